// SPDX-License-Identifier: Apache-2.0
#include "net/too_many.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <chrono>
#include <utility>

#include "net/http_message.hpp"

namespace ringtrain::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Status = boost::system::error_code;

namespace {

constexpr size_t kMostRefused = 64;  // connections that wait for their 503
// Limits of what is still read from a connection that is refused.
constexpr std::chrono::seconds kRefusalLinger(2);
constexpr size_t kMostDrained = size_t{2} << 20;

}  // namespace

bool is_one_too_many(const Serving& serving, const std::string& peer) {
  const OpenConnections& open = serving.open;
  if (open.all >= serving.options.max_connections) return true;
  const auto& proxies = serving.options.proxies;
  if (std::find(proxies.begin(), proxies.end(), peer) != proxies.end()) return false;
  const auto found = open.of_address.find(peer);
  return found != open.of_address.end() && found->second >= serving.options.max_of_an_address;
}

asio::awaitable<void> refuse(tcp::socket socket, Serving& serving) {
  if (serving.tls != nullptr || serving.open.refused >= kMostRefused) co_return;
  ++serving.open.refused;
  const Answer answer = plain_refusal(503, "too many connections are open: close some");
  const std::string text = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: "
      "application/problem+json\r\nContent-Length: {}\r\n\r\n{}",
      answer.body.size(), answer.body);
  beast::tcp_stream stream(std::move(socket));
  stream.expires_after(kRefusalLinger);
  Status status;
  co_await asio::async_write(stream, asio::buffer(text),
                             asio::redirect_error(asio::use_awaitable, status));
  static_cast<void>(stream.socket().shutdown(tcp::socket::shutdown_send, status));
  std::array<char, 4096> unread{};
  for (size_t left = kMostDrained; left > 0 && !status;) {
    const size_t size = co_await stream.async_read_some(
        asio::buffer(unread), asio::redirect_error(asio::use_awaitable, status));
    left -= std::min(left, size);
  }
  --serving.open.refused;
}

}  // namespace ringtrain::net
