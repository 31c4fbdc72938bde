// SPDX-License-Identifier: Apache-2.0
#include "server/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/throws_error.hpp"

namespace ringtrain::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Network, SendsNoTokenInTheClear) {
  EXPECT_EQ(network_of({}).address, "127.0.0.1");
  EXPECT_NO_THROW(network_of({.address = "::1"}));
  for (const char* const address : {"0.0.0.0", "::", "10.0.0.1"}) {
    EXPECT_THAT([&] { network_of({.address = address}); },
                ThrowsError(ErrorKind::job, HasSubstr("--tls-cert")));
    EXPECT_NO_THROW(network_of({.address = address, .proxies = {"10.0.0.2"}}));
  }
  EXPECT_THAT([] { network_of({.certificate = "cert.pem"}); },
              ThrowsError(ErrorKind::job, HasSubstr("one needs the other")));
  EXPECT_THAT([] { network_of({.certificate = "none.pem", .key = "none.pem"}); },
              ThrowsError(ErrorKind::data, HasSubstr("none.pem")));
}

TEST(Network, KnowsTheNamesOfTheServer) {
  EXPECT_EQ(site_of({}).hosts, loopback_hosts());
  EXPECT_THAT(site_of({.hosts = {"Train.Example"}}).hosts, Contains("train.example"));
  EXPECT_THAT(site_of({.address = "10.0.0.1"}).hosts, Contains("10.0.0.1"));
  EXPECT_THAT(site_of({.proxies = {"10.0.0.2"}}).proxies, ElementsAre("10.0.0.2"));
  EXPECT_EQ(address_of({}, 80), "http://127.0.0.1:80");
  EXPECT_EQ(address_of({.address = "0.0.0.0", .certificate = "c"}, 443), "https://127.0.0.1:443");
  EXPECT_EQ(address_of({.address = "::1"}, 80), "http://[::1]:80");
}

}  // namespace
}  // namespace ringtrain::server
