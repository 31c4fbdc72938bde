// SPDX-License-Identifier: Apache-2.0
#include "net/http_door.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <string_view>

#include "net/listener.hpp"

namespace ringtrain::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using Status = boost::system::error_code;

namespace {

constexpr size_t kMaxHead = 16384;
constexpr std::string_view kEnd = "\r\n";

// Returns whether a line of a head has this name, in any case.
bool has_name(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(line[i])) !=
        std::tolower(static_cast<unsigned char>(name[i]))) {
      return false;
    }
  }
  return true;
}

// A client and the server. Both stay open until the last coroutine has let them go.
struct Ends {
  tcp::socket client;
  tcp::socket server;
};

// Copies bytes until one side ends; then the other side learns of it.
asio::awaitable<void> copy(std::shared_ptr<Ends> ends, bool to_server) {
  tcp::socket& from = to_server ? ends->client : ends->server;
  tcp::socket& to = to_server ? ends->server : ends->client;
  std::array<char, 16384> buffer;
  Status status;
  while (!status) {
    const size_t size = co_await from.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, status));
    if (size > 0) {
      co_await asio::async_write(to, asio::buffer(buffer.data(), size),
                                 asio::redirect_error(asio::use_awaitable, status));
    }
  }
  Status ignored;
  static_cast<void>(to.shutdown(tcp::socket::shutdown_send, ignored));
}

asio::awaitable<void> pass_on(tcp::socket client, const HttpDoorOptions& options) {
  const auto executor = client.get_executor();
  const auto ends = std::make_shared<Ends>(Ends{std::move(client), tcp::socket(executor)});
  tcp::socket& from = ends->client;
  tcp::socket& to = ends->server;
  std::string bytes;
  Status status;
  const size_t size =
      co_await asio::async_read_until(from, asio::dynamic_buffer(bytes, kMaxHead), "\r\n\r\n",
                                      asio::redirect_error(asio::use_awaitable, status));
  if (status) co_return;
  const std::string head = with_header(bytes.substr(0, size), options.header, options.prefix);
  if (head.empty()) co_return;
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"), options.to_port);
  co_await to.async_connect(server, asio::redirect_error(asio::use_awaitable, status));
  if (status) {
    const std::string away =
        "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 29\r\n\r\n"
        "ringtrain server is not here\n";
    co_await asio::async_write(from, asio::buffer(away),
                               asio::redirect_error(asio::use_awaitable, status));
    co_return;
  }
  const std::string first = head + bytes.substr(size);
  co_await asio::async_write(to, asio::buffer(first),
                             asio::redirect_error(asio::use_awaitable, status));
  if (status) co_return;
  asio::co_spawn(executor, copy(ends, true), asio::detached);
  co_await copy(ends, false);
}

}  // namespace

std::string with_header(const std::string& head, const std::string& header,
                        const std::string& prefix) {
  const std::string_view name = std::string_view(header).substr(0, header.find(':'));
  size_t at = head.find(kEnd);
  if (at == std::string::npos || at == 0) return "";
  std::string first = head.substr(0, at);
  if (!prefix.empty()) {
    const size_t path = first.find(" /");
    if (path == std::string::npos) return "";
    first.insert(path + 1, prefix);
  }
  std::string result = first + fmt::format("\r\n{}\r\nConnection: close\r\n", header);
  for (at += kEnd.size(); at < head.size();) {
    const size_t end = head.find(kEnd, at);
    if (end == std::string::npos) return "";
    const std::string_view line = std::string_view(head).substr(at, end - at);
    // A folded line belongs to the one before, which may be left out.
    if (line.starts_with(' ') || line.starts_with('\t')) return "";
    if (!has_name(line, name) && !has_name(line, "connection")) {
      result.append(line).append(kEnd);
    }
    at = end + kEnd.size();
  }
  return result;
}

struct HttpDoor::Parts {
  explicit Parts(const HttpDoorOptions& given)
      : options(given), listener(given.address, given.port) {}

  HttpDoorOptions options;
  Listener listener;
};

HttpDoor::HttpDoor(const HttpDoorOptions& options) : parts_(std::make_unique<Parts>(options)) {}

HttpDoor::~HttpDoor() = default;

uint16_t HttpDoor::port() const { return parts_->listener.port(); }

void HttpDoor::run() {
  Parts& all = *parts_;
  all.listener.run([&all](tcp::socket client) {
    asio::co_spawn(all.listener.context(), pass_on(std::move(client), all.options), asio::detached);
  });
}

void HttpDoor::stop() { parts_->listener.stop(); }

}  // namespace ringtrain::net
