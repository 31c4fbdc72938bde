// SPDX-License-Identifier: Apache-2.0
#include "net/digest.hpp"

#include <gtest/gtest.h>

#include "net/base64.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::net {
namespace {

std::string digest_of(const char* algorithm, std::string_view one, std::string_view two) {
  Digest digest(algorithm);
  digest.add(one);
  digest.add(two);
  return encode_base64(digest.bytes());
}

TEST(Digest, IsThatOfFips180) {
  EXPECT_EQ(digest_of("sha1", "a", "bc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  EXPECT_EQ(digest_of("sha256", "abc", ""), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST(Digest, RefusesANameThatIsNone) {
  EXPECT_THAT([] { Digest digest("rot13"); },
              ThrowsError(ErrorKind::data, testing::HasSubstr("cannot compute")));
}

}  // namespace
}  // namespace ringtrain::net
