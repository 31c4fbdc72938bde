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

// How the server is reached.
struct Site {
  AllowedHosts hosts;
  std::vector<std::string> proxies = {};  // addresses whose X-Forwarded-* are believed
  std::string address = {};               // of this machine, where it listens on one alone
};

// Names of this machine's loopback.
AllowedHosts loopback_hosts();

// Whether a method changes nothing.
bool is_safe(const std::string& method);

// Throws a Problem 403 where Host is no allowed name, or the request changes something and comes
// from another site.
void check_site(const net::ServedRequest& request, const AllowedHosts& hosts);

// Throws a Problem 415 where a body is of a type that a form of another site could send.
void check_body_type(const net::ServedRequest& request);

}  // namespace ringtrain::server
