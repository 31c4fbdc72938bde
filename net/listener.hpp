// SPDX-License-Identifier: Apache-2.0
// Takes connections at an address of this machine. Boost's part of HttpServer and HttpDoor.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace ringtrain::net {

// Thread: run() does everything on its own; stop() may come from any thread.
class Listener {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // Listens from here on; port 0: any that is free. Throws std::system_error where the address is
  // taken.
  Listener(const std::string& address, uint16_t port);

  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  boost::asio::io_context& context() { return context_; }
  // Gives each connection to `take`, and runs the context until stop(), SIGINT or SIGTERM.
  // Programs that are started do not inherit the sockets. Where there is `on_signal`, the first
  // signal calls it and ends nothing.
  void run(const std::function<void(Socket)>& take, const std::function<void()>& on_signal = {});
  void stop();

 private:
  void wait_for_signal(const std::function<void()>& on_signal);

  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::signal_set signals_{context_};
};

}  // namespace ringtrain::net
