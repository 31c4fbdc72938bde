// SPDX-License-Identifier: Apache-2.0
#include "server/api/guards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/text.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

// Returns the host of "HOST" or "HOST:PORT", in lower case; empty where it is neither.
std::string host_of(std::string_view authority) {
  std::string_view host = authority;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return "";
    host = host.substr(0, end + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  const std::string_view port = authority.substr(host.size());
  const bool has_port = port.starts_with(':') && port.size() <= 6 &&
                        port.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (!port.empty() && !has_port) return "";
  std::string result(host);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

bool is_safe(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

AllowedHosts loopback_hosts() { return {"127.0.0.1", "localhost", "[::1]"}; }

void check_site(const net::ServedRequest& request, const AllowedHosts& hosts) {
  const std::string_view authority = request.header("host");
  const std::string host = host_of(authority);
  if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
    throw Problem(403,
                  "Host: this server is not known by that name: its owner adds it with --host NAME",
                  {{"allowed", hosts}});
  }
  if (is_safe(request.method)) return;
  const std::string_view site = request.header("sec-fetch-site");
  if (site == "same-origin" || site == "none") return;
  const std::string_view origin = request.header("origin");
  const bool from_here = origin == fmt::format("http://{}", authority) ||
                         origin == fmt::format("https://{}", authority);
  // Programs send neither; browsers always send one of them with a change.
  if (!site.empty() || (!origin.empty() && !from_here)) {
    throw Problem(403,
                  "Origin: a page of another site may not change anything here: where it is a name "
                  "of this server, its owner adds it with --host NAME, and a proxy passes Host on",
                  {{"allowed", hosts}});
  }
}

void check_body_type(const net::ServedRequest& request) {
  if (request.body.empty()) return;
  const std::string_view sent = request.header("content-type");
  std::string type(trimmed(sent.substr(0, sent.find(';'))));
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* const allowed :
       {"application/json", "application/yaml", "application/x-yaml", "text/yaml"}) {
    if (type == allowed) return;
  }
  throw Problem(415, "Content-Type: must be application/json or application/yaml");
}

}  // namespace ringtrain::server
