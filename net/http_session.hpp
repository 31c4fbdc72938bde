// SPDX-License-Identifier: Apache-2.0
// One connection of an HttpServer. For http_server.cpp alone: it includes Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/http_server.hpp"

namespace ringtrain::net {

// Serves requests until the connection ends. Counts it in `connections` meanwhile; what is passed
// by reference must live as long.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket,
                                              const HttpServerOptions& options,
                                              const HttpServer::Respond& respond,
                                              size_t& connections);

}  // namespace ringtrain::net
