// SPDX-License-Identifier: Apache-2.0
// Requests that come through a proxy, which alone knows who has sent them.
#pragma once

#include <string>

#include "net/http_server.hpp"
#include "server/api/guards.hpp"

namespace ringtrain::server {

// Takes a request's sender, host and whether it came by TLS from X-Forwarded-For, -Host and -Proto
// where its peer is a proxy of the site; anybody else's are left alone, since anybody can write
// them. Throws a Problem 403 where there are proxies, and the request came in the clear from
// another machine that is none of them.
void take_forwarded(net::ServedRequest& request, const Site& site);

// Whether it is an address of this machine's loopback.
bool is_loopback(const std::string& address);

}  // namespace ringtrain::server
