// SPDX-License-Identifier: Apache-2.0
#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

#include "net/http_client.hpp"
#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::net {
namespace {

bool is_public_text(const std::string& text) {
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    EXPECT_EQ(print_address(reinterpret_cast<const sockaddr&>(v6)), text);
    return is_public(reinterpret_cast<const sockaddr&>(v6));
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &v4.sin_addr), 1) << text;
  return is_public(reinterpret_cast<const sockaddr&>(v4));
}

TEST(PublicAddress, IsNoneOfThisMachineItsLinkOrAPrivateNetwork) {
  for (const char* const text : {"0.0.0.0",
                                 "10.1.2.3",
                                 "100.64.0.1",
                                 "100.127.255.255",
                                 "127.0.0.1",
                                 "127.8.8.8",
                                 "169.254.169.254",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.0.0.8",
                                 "192.168.1.1",
                                 "198.19.0.1",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "::1",
                                 "fc00::1",
                                 "fdff::1",
                                 "fe80::1",
                                 "ff02::1",
                                 "::ffff:127.0.0.1",
                                 "::ffff:10.0.0.1",
                                 "64:ff9b::a00:1",
                                 "2002:7f00:1::",
                                 "2001::1",
                                 "2001:db8::1",
                                 "fec0::1"}) {
    EXPECT_FALSE(is_public_text(text)) << text;
  }
}

TEST(PublicAddress, IsAnyOther) {
  for (const char* const text :
       {"1.1.1.1", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "193.0.0.1",
        "223.255.255.255", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"}) {
    EXPECT_TRUE(is_public_text(text)) << text;
  }
}

TEST(PublicAddress, IsAllThatARequestReachesWhereItIsAskedFor) {
  FakeServer server([](const ReceivedRequest&) { return Reply{.pieces = {"secret"}}; });
  HttpClient client;
  HttpRequest request{.url = server.url()};
  request.public_addresses_only = true;
  try {
    client.perform(request);
    FAIL() << "it was connected";
  } catch (const HttpError& error) {
    EXPECT_EQ(error.failure(), HttpFailure::address_refused);
    EXPECT_EQ(error.reason(), "127.0.0.1 is not an address of the public internet");
  }
  request.public_addresses_only = false;
  EXPECT_EQ(client.perform(request).body, "secret");
}

}  // namespace
}  // namespace ringtrain::net
