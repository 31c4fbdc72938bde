// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "net/http_session.hpp"
#include "net/listener.hpp"

namespace ringtrain::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::optional<asio::ssl::context> context_of(const std::optional<HttpIdentity>& identity) {
  if (!identity) return std::nullopt;
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  context.use_certificate_chain(asio::buffer(identity->certificate));
  context.use_private_key(asio::buffer(identity->key), asio::ssl::context::pem);
  return context;
}

}  // namespace

struct HttpServer::Parts {
  Parts(const HttpServerOptions& options, Respond respond, Receive receive)
      : tls(context_of(options.identity)),
        serving{options, std::move(respond), std::move(receive), tls ? &*tls : nullptr},
        listener(options.address, options.port) {}

  std::optional<asio::ssl::context> tls;
  Serving serving;
  Listener listener;
};

namespace {

void log_failure(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    log_error(fmt::format("a connection ended: {}", error.what()));
  }
}

asio::awaitable<void> repeat(asio::io_context& context, std::chrono::milliseconds pause,
                             std::function<void()> work) {
  asio::steady_timer timer(context);
  for (;;) {
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
    work();
  }
}

}  // namespace

bool HttpPush::push(std::string_view bytes) {
  if (closed_ || ended_ || waiting_.size() + bytes.size() > kMaxWaiting) return false;
  append(bytes);
  if (idle_socket_ >= 0) {
    const ssize_t sent =
        ::send(idle_socket_, waiting_.data(), waiting_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    waiting_.erase(0, sent > 0 ? static_cast<size_t>(sent) : 0);
    if (waiting_.empty()) return true;
    idle_socket_ = -1;  // the session writes the rest, and meets what is wrong
  }
  if (wake_) wake_();
  return true;
}

void HttpPush::append(std::string_view bytes) {
  if (!in_chunks_) {
    waiting_ += bytes;
  } else if (!bytes.empty()) {  // an empty chunk would be the last one
    fmt::format_to(std::back_inserter(waiting_), "{:x}\r\n", bytes.size());
    waiting_ += bytes;
    waiting_ += "\r\n";
  }
}

void HttpPush::begin(bool in_chunks, std::function<void()> wake) {
  const std::string before = std::exchange(waiting_, {});
  in_chunks_ = in_chunks;
  append(before);
  wake_ = std::move(wake);
}

void HttpPush::end() {
  ended_ = true;
  if (wake_) wake_();
}

void HttpPending::finish() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(done_, true)) return;
    wake = std::move(wake_);
  }
  if (wake) wake();
}

void HttpPending::on_finish(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!done_) {
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

void HttpPending::finish(Answer answer) {
  then = [made = std::make_shared<Answer>(std::move(answer))] { return std::move(*made); };
  finish();
}

HttpServer::HttpServer(const HttpServerOptions& options, Respond respond, Receive receive) try
    : parts_(std::make_unique<Parts>(options, std::move(respond), std::move(receive))) {
} catch (const boost::system::system_error& error) {
  // OpenSSL's codes are none of the system's.
  throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                          fmt::format("the certificate or its key: {}", error.code().message()));
}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return parts_->listener.port(); }

void HttpServer::every(std::chrono::milliseconds pause, std::function<void()> work) {
  // An exception of the work ends run().
  asio::io_context& context = parts_->listener.context();
  asio::co_spawn(context, repeat(context, pause, std::move(work)),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
}

void HttpServer::post(std::function<void()> work) {
  asio::post(parts_->listener.context(), std::move(work));
}

size_t HttpServer::in_progress() const { return parts_->serving.in_progress; }

void HttpServer::run() {
  Parts& all = *parts_;
  const auto take = [&all](tcp::socket socket) {
    asio::co_spawn(all.listener.context(), serve_connection(std::move(socket), all.serving),
                   log_failure);
  };
  all.listener.run(take, all.serving.options.on_signal);
}

void HttpServer::stop() { parts_->listener.stop(); }

}  // namespace ringtrain::net
