// SPDX-License-Identifier: Apache-2.0
#include "server/api/cookie.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace ringtrain::server {
namespace {

const char* name_for(const net::ServedRequest& request) {
  return request.is_secure ? "__Host-ringtrain" : "ringtrain";
}

}  // namespace

std::string cookie_token(const net::ServedRequest& request) {
  const std::string start = std::string(name_for(request)) + "=";
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view one = cookies.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(start)) return std::string(one.substr(start.size()));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return "";
}

std::string set_cookie(const net::ServedRequest& request, const std::string& token,
                       std::chrono::seconds lifetime) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", name_for(request),
                     token, lifetime.count(), request.is_secure ? "; Secure" : "");
}

}  // namespace ringtrain::server
