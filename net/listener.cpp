// SPDX-License-Identifier: Apache-2.0
#include "net/listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <system_error>
#include <utility>

namespace ringtrain::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using Status = boost::system::error_code;

namespace {

// Programs that are started must not have it: they would keep it open when the server is killed.
template <class Socket>
void close_on_exec(Socket& socket) {
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

asio::awaitable<void> accept(tcp::acceptor& acceptor,
                             const std::function<void(tcp::socket)>& take) {
  asio::steady_timer pause(acceptor.get_executor());
  for (;;) {
    Status status;
    tcp::socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, status));
    if (status) {  // no descriptors are left, perhaps
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, status));
      continue;
    }
    close_on_exec(socket);
    take(std::move(socket));
  }
}

}  // namespace

Listener::Listener(const std::string& address, uint16_t port) {
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(address), port);
    acceptor_.open(endpoint.protocol());
    close_on_exec(acceptor_);
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(boost::asio::socket_base::max_listen_connections);
  } catch (const boost::system::system_error& error) {
    throw std::system_error(error.code().value(), std::generic_category(),
                            fmt::format("{}:{}", address, port));
  }
}

void Listener::wait_for_signal(const std::function<void()>& on_signal) {
  signals_.async_wait([this, on_signal](Status status, int) {
    if (status) return;
    if (!on_signal) return context_.stop();
    on_signal();
    wait_for_signal({});
  });
}

void Listener::run(const std::function<void(Socket)>& take,
                   const std::function<void()>& on_signal) {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  wait_for_signal(on_signal);
  asio::co_spawn(context_, accept(acceptor_, take), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  context_.run();
}

void Listener::stop() {
  asio::post(context_, [this] { context_.stop(); });
}

}  // namespace ringtrain::net
