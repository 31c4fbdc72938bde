// SPDX-License-Identifier: Apache-2.0
// One connection of an HttpServer. For http_server.cpp alone: it includes Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <map>
#include <string>

#include "net/http_server.hpp"

namespace ringtrain::net {

// Connections that are open.
struct OpenConnections {
  size_t all = 0;
  std::map<std::string, size_t> of_address = {};
  size_t refused = 0;  // that wait for their refusal
};

// The state that all connections of a server share.
struct Serving {
  HttpServerOptions options;
  HttpServer::Respond respond;
  HttpServer::Receive receive;               // empty: all bodies are read whole
  boost::asio::ssl::context* tls = nullptr;  // null: they are plain
  OpenConnections open = {};
  size_t in_progress = 0;  // requests whose answers are not written yet
};

// Counts one more while it exists.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  size_t& count_;
};

// Serves requests until the connection ends, and counts it meanwhile; answers 503 at once where
// there are too many. `serving` must live as long.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket,
                                              Serving& serving);

}  // namespace ringtrain::net
