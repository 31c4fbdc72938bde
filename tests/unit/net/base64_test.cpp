// SPDX-License-Identifier: Apache-2.0
#include "net/base64.hpp"

#include <gtest/gtest.h>

namespace ringtrain::net {
namespace {

TEST(Base64, GoesBothWays) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(decode_base64("YW\nJj\n"), "abc");
  EXPECT_FALSE(decode_base64("!!!!"));
}

}  // namespace
}  // namespace ringtrain::net
