// SPDX-License-Identifier: Apache-2.0
#include "server/api/guards.hpp"

#include <gtest/gtest.h>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

// 0, or the status of the refusal.
int site_status(const std::string& method, const net::Headers& headers) {
  try {
    check_site({.method = method, .headers = headers}, loopback_hosts());
  } catch (const Problem& problem) {
    return problem.status();
  }
  return 0;
}

TEST(CheckSite, ComparesTheHostAsAWhole) {
  for (const char* const host :
       {"127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(site_status("GET", {{"host", host}}), 0) << host;
  }
  for (const char* const host :
       {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.0.0.1:x",
        "127.0.0.1:80:80", "[::1", "[::1]x", "127.0.0.1@evil.example", "127.0.0.2", "10.0.0.1"}) {
    EXPECT_EQ(site_status("GET", {{"host", host}}), 403) << host;
  }
  EXPECT_EQ(site_status("GET", {}), 403);
  EXPECT_EQ(site_status("GET", {{"host", "localhost"}, {"host", "localhost"}}), 403);
}

TEST(CheckSite, TakesNoChangeFromAnotherSite) {
  const auto with = [](const std::string& method, net::Headers more) {
    more.emplace_back("host", "localhost:8080");
    return site_status(method, more);
  };
  for (const char* const method : {"POST", "PUT", "PATCH", "DELETE", "ANYTHING"}) {
    EXPECT_EQ(with(method, {}), 0) << method;
    EXPECT_EQ(with(method, {{"sec-fetch-site", "same-origin"}}), 0);
    EXPECT_EQ(with(method, {{"sec-fetch-site", "none"}}), 0);
    EXPECT_EQ(with(method, {{"origin", "http://localhost:8080"}}), 0);
    EXPECT_EQ(with(method, {{"sec-fetch-site", "cross-site"}}), 403) << method;
    EXPECT_EQ(with(method, {{"sec-fetch-site", "same-site"}}), 403);
    EXPECT_EQ(with(method, {{"origin", "http://evil.example"}}), 403);
    EXPECT_EQ(with(method, {{"origin", "http://localhost:8081"}}), 403);
    EXPECT_EQ(with(method, {{"origin", "null"}}), 403);
  }
  EXPECT_EQ(with("GET", {{"sec-fetch-site", "cross-site"}}), 0);
}

TEST(CheckBodyType, TakesNoTypeThatAFormCanSend) {
  const auto status = [](const std::string& type) {
    try {
      check_body_type({.headers = {{"content-type", type}}, .body = "x"});
    } catch (const Problem& problem) {
      return problem.status();
    }
    return 0;
  };
  EXPECT_EQ(status("application/json"), 0);
  EXPECT_EQ(status("Application/JSON; charset=utf-8"), 0);
  EXPECT_EQ(status("application/yaml"), 0);
  for (const char* const type : {"", "text/plain", "multipart/form-data",
                                 "application/x-www-form-urlencoded", "application/jsonp"}) {
    EXPECT_EQ(status(type), 415) << type;
  }
}

}  // namespace
}  // namespace ringtrain::server
