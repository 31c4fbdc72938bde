// SPDX-License-Identifier: Apache-2.0
#include "server/api/forwarded.hpp"

#include <gtest/gtest.h>

#include "server/api/cookie.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

const Site kProxies{.hosts = {}, .proxies = {"10.0.0.2", "10.0.0.3"}, .address = "10.0.0.1"};

net::ServedRequest from(const std::string& peer, net::Headers headers = {}) {
  headers.emplace_back("host", "127.0.0.1:8080");
  return {.headers = std::move(headers), .peer = peer};
}

TEST(TakeForwarded, BelievesItsProxiesAlone) {
  const net::Headers headers = {{"x-forwarded-for", "9.9.9.9, 8.8.8.8, 10.0.0.3"},
                                {"x-forwarded-proto", "https"},
                                {"x-forwarded-host", "train.example"}};
  net::ServedRequest request = from("10.0.0.2", headers);
  take_forwarded(request, kProxies);
  EXPECT_EQ(request.peer, "8.8.8.8");  // what stands before it may be a lie
  EXPECT_TRUE(request.is_secure);
  EXPECT_EQ(request.header("host"), "train.example");

  net::ServedRequest local = from("127.0.0.1", headers);
  take_forwarded(local, kProxies);
  EXPECT_EQ(local.peer, "127.0.0.1");
  EXPECT_FALSE(local.is_secure);
  EXPECT_EQ(local.header("host"), "127.0.0.1:8080");
}

TEST(TakeForwarded, LetsNobodyPastTheProxyInTheClear) {
  net::ServedRequest request = from("8.8.8.8");
  EXPECT_THROW(take_forwarded(request, kProxies), Problem);
  request.is_secure = true;
  EXPECT_NO_THROW(take_forwarded(request, kProxies));
  net::ServedRequest without = from("8.8.8.8");
  EXPECT_NO_THROW(take_forwarded(without, {.hosts = {}}));
  net::ServedRequest own = from("10.0.0.1");
  EXPECT_NO_THROW(take_forwarded(own, kProxies));
}

TEST(Cookie, IsBoundToTheHostUnderTls) {
  net::ServedRequest request =
      from("127.0.0.1", {{"cookie", "x=1; ringtrain=a; __Host-ringtrain=b"}});
  EXPECT_EQ(cookie_token(request), "a");
  EXPECT_EQ(set_cookie(request, "t", std::chrono::hours(1)),
            "ringtrain=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600");
  request.is_secure = true;
  EXPECT_EQ(cookie_token(request), "b");
  EXPECT_EQ(set_cookie(request, "t", std::chrono::seconds(0)),
            "__Host-ringtrain=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
}

}  // namespace
}  // namespace ringtrain::server
