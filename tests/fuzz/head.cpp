// SPDX-License-Identifier: Apache-2.0
// What a connection sends to a server: a request as its parser takes it, and the checks that come
// before any route.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_message.hpp"
#include "server/api/cookie.hpp"
#include "server/api/forwarded.hpp"
#include "server/api/guards.hpp"
#include "server/problem.hpp"

namespace {

using namespace ringtrain;

// Aborts unless a request is as routes rely on it.
void check_request(const net::ServedRequest& request, const net::HttpServerOptions& options) {
  if (request.body.size() > options.max_body) std::abort();
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || value.find_first_of("\r\n") != std::string::npos) std::abort();
  }
  if (request.target.find_first_of("\r\n ") != std::string::npos) std::abort();
}

void check_cookie(const net::ServedRequest& request) {
  const std::string cookie = server::set_cookie(request, "token", std::chrono::seconds(1));
  if (request.is_secure != cookie.starts_with("__Host-")) std::abort();
  if (server::cookie_token(request).find(';') != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const net::HttpServerOptions options;
  auto found = net::read_request({reinterpret_cast<const char*>(data), size}, options);
  if (!found) return 0;
  net::ServedRequest& request = *found;
  check_request(request, options);
  try {
    server::take_forwarded(request, {.hosts = {}, .proxies = {"127.0.0.1"}});
    check_cookie(request);
    server::check_body_type(request);
    server::check_site(request, server::loopback_hosts());
  } catch (const server::Problem&) {
  }
  return 0;
}
