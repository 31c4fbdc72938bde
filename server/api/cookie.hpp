// SPDX-License-Identifier: Apache-2.0
// The cookie that holds a browser's token. Its name binds it to this host alone where it came by
// TLS (RFC 6265bis, __Host-).
#pragma once

#include <chrono>
#include <string>

#include "net/http_server.hpp"

namespace ringtrain::server {

// Returns the token in a request's cookies; empty: there is none.
std::string cookie_token(const net::ServedRequest& request);

// Returns a Set-Cookie for the answer to a request. `lifetime` 0 takes the cookie away.
std::string set_cookie(const net::ServedRequest& request, const std::string& token,
                       std::chrono::seconds lifetime);

}  // namespace ringtrain::server
