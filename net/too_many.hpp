// SPDX-License-Identifier: Apache-2.0
// Connections beyond a server's limits. For http_session.cpp alone: it includes Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "net/http_session.hpp"

namespace ringtrain::net {

// Returns whether another connection of this address is more than the server takes.
bool is_one_too_many(const Serving& serving, const std::string& peer);

// Answers 503 without having read anything, and closes.
boost::asio::awaitable<void> refuse(boost::asio::ip::tcp::socket socket, Serving& serving);

}  // namespace ringtrain::net
