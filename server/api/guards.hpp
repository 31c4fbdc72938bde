// SPDX-License-Identifier: Apache-2.0
// Who may reach the server through a browser. A page on any site can send requests to 127.0.0.1,
// and a name that its owner points there makes them look like our own: so the Host is compared, and
// a change must not come from another site.
#pragma once

#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace ringtrain::server {

// Host names and addresses by which the server may be called, without port, in lower case.
using AllowedHosts = std::vector<std::string>;

// Names of this machine's loopback.
AllowedHosts loopback_hosts();

// Throws a Problem 403 where Host is no allowed name, or the request changes something and comes
// from another site.
void check_site(const net::ServedRequest& request, const AllowedHosts& hosts);

// Throws a Problem 415 where a body is of a type that a form of another site could send.
void check_body_type(const net::ServedRequest& request);

}  // namespace ringtrain::server
