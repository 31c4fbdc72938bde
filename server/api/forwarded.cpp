// SPDX-License-Identifier: Apache-2.0
#include "server/api/forwarded.hpp"

#include <algorithm>
#include <string_view>

#include "base/text.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

bool has(const std::vector<std::string>& addresses, std::string_view one) {
  return std::find(addresses.begin(), addresses.end(), one) != addresses.end();
}

// Returns the last address of "client, proxy, proxy" that is no proxy of ours: what stands before
// it may be a lie.
std::string sender_of(std::string_view list, const std::vector<std::string>& proxies) {
  while (!list.empty()) {
    const size_t comma = list.rfind(',');
    const size_t start = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view one = trimmed(list.substr(start));
    if (!one.empty() && !has(proxies, one)) return std::string(one.substr(0, 64));
    list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return "";
}

}  // namespace

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

void take_forwarded(net::ServedRequest& request, const Site& site) {
  const std::vector<std::string>& proxies = site.proxies;
  if (proxies.empty()) return;
  if (!has(proxies, request.peer)) {
    const bool is_local = is_loopback(request.peer) || request.peer == site.address;
    if (request.is_secure || is_local) return;
    throw Problem(403,
                  "this server is reached through its proxy alone: its owner names the proxy's "
                  "address with --behind-proxy");
  }
  const std::string sender = sender_of(request.header("x-forwarded-for"), proxies);
  if (!sender.empty()) request.peer = sender;
  if (request.header("x-forwarded-proto") == "https") request.is_secure = true;
  const std::string host(request.header("x-forwarded-host"));
  if (host.empty()) return;
  for (auto& [name, value] : request.headers) {
    if (name == "host") value = host;
  }
}

}  // namespace ringtrain::server
