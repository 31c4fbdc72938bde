// SPDX-License-Identifier: Apache-2.0
// Requests and refusals as bytes: the part of an HTTP server that strangers reach first. It
// includes Beast: for net/ and its tests alone.
#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.hpp"

namespace ringtrain::net {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// Limits a parser before it reads anything.
void set_limits(RequestParser& parser, const HttpServerOptions& options);

// Most bytes that wait for a parser. A body passes it in pieces, so more is a head, a chunk's
// extension or a trailer without an end.
size_t most_buffered(const HttpServerOptions& options);

// Returns the request that bytes begin with; nothing where it is not whole, or is none.
std::optional<ServedRequest> read_request(std::string_view bytes, const HttpServerOptions& options);

// Takes a whole message apart. `peer`: address of the other side.
ServedRequest served_request(boost::beast::http::request<boost::beast::http::string_body> message,
                             const std::string& peer, bool is_secure);

// Returns a request whose head alone has been read; its body is empty.
ServedRequest served_head(const RequestParser& parser, const std::string& peer, bool is_secure);

// Returns an answer in RFC 9457 for a request that no route sees; the connection ends with it.
Answer plain_refusal(int status, const std::string& detail);

// Returns the answer to a request that cannot be read; nothing where the connection is just over.
std::optional<Answer> refusal_of(boost::system::error_code status,
                                 const HttpServerOptions& options);

}  // namespace ringtrain::net
