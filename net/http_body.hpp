// SPDX-License-Identifier: Apache-2.0
// The body of a request, in pieces as they arrive. For http_session.cpp alone: it includes Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstdint>
#include <limits>

#include "net/http_message.hpp"
#include "net/http_server.hpp"
#include "net/served_stream.hpp"

namespace ringtrain::net {

// A limit for bodies of any size. Boost 1.74 takes no limit (boost::none) for one of no bytes.
inline constexpr uint64_t kAnySize = std::numeric_limits<uint64_t>::max();

// Answers "100 Continue" to a client that waits for it before it sends a body.
boost::asio::awaitable<void> invite_body(ServedStream& stream, const RequestParser& head,
                                         boost::system::error_code& status);

enum class BodyEnd {
  whole,
  unwanted,  // the receiver wants no more: bytes are left unread
  broken,    // the connection is cut, silent for too long, or sends no HTTP
};

// Passes a body to its receiver. `head` has been read and nothing after it; `timeout` is for each
// piece. Bytes that came before a cut are passed on, too.
boost::asio::awaitable<BodyEnd> receive_body(ServedStream& stream,
                                             boost::beast::flat_buffer& buffer, RequestParser& head,
                                             BodyReceiver& receiver, std::chrono::seconds timeout);

}  // namespace ringtrain::net
