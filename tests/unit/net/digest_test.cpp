// SPDX-License-Identifier: Apache-2.0
#include "net/digest.hpp"

#include <gtest/gtest.h>

#include "net/base64.hpp"

namespace ringtrain::net {
namespace {

// FIPS 180-4's examples, "abc": openssl dgst -sha1 -binary | base64
TEST(Digest, IsThatOfTheStandard) {
  Digest sha1(Digest::Kind::sha1);
  sha1.add("a");
  sha1.add("bc");
  EXPECT_EQ(encode_base64(sha1.bytes()), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  Digest sha256(Digest::Kind::sha256);
  sha256.add("abc");
  EXPECT_EQ(encode_base64(sha256.bytes()), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

}  // namespace
}  // namespace ringtrain::net
