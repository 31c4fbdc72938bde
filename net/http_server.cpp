// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>

#include "net/http_session.hpp"
#include "net/listener.hpp"

namespace ringtrain::net {

namespace asio = boost::asio;
using asio::ip::tcp;

struct HttpServer::Parts {
  Parts(const HttpServerOptions& given, Respond make_answer)
      : options(given), respond(std::move(make_answer)), listener(options.address, options.port) {}

  HttpServerOptions options;
  Respond respond;
  size_t connections = 0;
  Listener listener;
};

namespace {

void log_failure(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::fputs(fmt::format("ringtrain: server: a connection ended: {}\n", error.what()).c_str(),
               stderr);
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

HttpServer::HttpServer(const HttpServerOptions& options, Respond respond)
    : parts_(std::make_unique<Parts>(options, std::move(respond))) {}

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

void HttpServer::run() {
  Parts& all = *parts_;
  all.listener.run([&all](tcp::socket socket) {
    if (all.connections >= all.options.max_connections) return;  // closed at once
    asio::co_spawn(all.listener.context(),
                   serve_connection(std::move(socket), all.options, all.respond, all.connections),
                   log_failure);
  });
}

void HttpServer::stop() { parts_->listener.stop(); }

}  // namespace ringtrain::net
