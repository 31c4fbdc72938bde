// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>

#include "net/http_session.hpp"

namespace ringtrain::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using Status = boost::system::error_code;

struct HttpServer::Parts {
  Parts(const HttpServerOptions& given, Respond make_answer)
      : options(given), respond(std::move(make_answer)) {}

  HttpServerOptions options;
  Respond respond;
  size_t connections = 0;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::signal_set signals{context};
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

// Programs that are started must not have it: they would keep it open when the server is killed.
template <class Socket>
void close_on_exec(Socket& socket) {
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
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
    : parts_(std::make_unique<Parts>(options, std::move(respond))) {
  tcp::acceptor& acceptor = parts_->acceptor;
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    acceptor.open(endpoint.protocol());
    close_on_exec(acceptor);
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(512);
  } catch (const boost::system::system_error& error) {
    throw std::system_error(error.code().value(), std::generic_category(),
                            fmt::format("{}:{}", options.address, options.port));
  }
}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return parts_->acceptor.local_endpoint().port(); }

void HttpServer::every(std::chrono::milliseconds pause, std::function<void()> work) {
  // An exception of the work ends run().
  asio::co_spawn(parts_->context, repeat(parts_->context, pause, std::move(work)),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
}

void HttpServer::run() {
  Parts& parts = *parts_;
  parts.signals.add(SIGINT);
  parts.signals.add(SIGTERM);
  parts.signals.async_wait([&parts](Status status, int) {
    if (!status) parts.context.stop();
  });
  const auto accept = [](Parts& all) -> asio::awaitable<void> {
    asio::steady_timer pause(all.context);
    for (;;) {
      Status status;
      tcp::socket socket =
          co_await all.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, status));
      if (status) {  // no descriptors are left, perhaps
        pause.expires_after(std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, status));
        continue;
      }
      close_on_exec(socket);
      if (all.connections >= all.options.max_connections) continue;  // closed at once
      asio::co_spawn(all.context,
                     serve_connection(std::move(socket), all.options, all.respond, all.connections),
                     log_failure);
    }
  };
  asio::co_spawn(parts.context, accept(parts), log_failure);
  parts.context.run();
}

void HttpServer::stop() {
  asio::post(parts_->context, [this] { parts_->context.stop(); });
}

}  // namespace ringtrain::net
