// SPDX-License-Identifier: Apache-2.0
#include "base/url.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace ringtrain {
namespace {

TEST(Url, KnowsTheSchemesThatAreElsewhere) {
  for (const char* url : {"s3://bucket/key", "http://host/a", "https://host/a", "HTTPS://host/a"}) {
    EXPECT_TRUE(is_url(url)) << url;
  }
  for (const char* path :
       {"s3:/bucket", "data/mnist.h5", "/s3://x", "file:///a", "", "ftp://a/b"}) {
    EXPECT_FALSE(is_url(path)) << path;
  }
}

TEST(Url, AFileUrlIsItsPath) {
  EXPECT_EQ(without_file_scheme("file:///data/a%20b.h5"), "/data/a b.h5");
  EXPECT_EQ(without_file_scheme("file://localhost/data/a.h5"), "/data/a.h5");
  EXPECT_EQ(without_file_scheme("s3://bucket/key"), "s3://bucket/key");
  EXPECT_EQ(without_file_scheme("runs/a"), "runs/a");
  EXPECT_THROW(without_file_scheme("file://other/a"), Error);
}

TEST(Url, MessagesHaveNeitherSignaturesNorPasswords) {
  EXPECT_EQ(printable_url("https://user:word@host/a?X-Amz-Signature=1"), "https://host/a");
  EXPECT_EQ(printable_url("http://host:8080/a@b"), "http://host:8080/a@b");
  EXPECT_EQ(printable_url("s3://bucket/what?"), "s3://bucket/what?");
}

TEST(Url, EveryByteComesBackFromItsEncoding) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decoded(percent_encoded(all, false)), all);
  EXPECT_EQ(percent_decoded(percent_encoded(all, true)), all);
  EXPECT_EQ(percent_encoded("a b/c=d~e+f", true), "a%20b/c%3Dd~e%2Bf");
  EXPECT_EQ(percent_encoded("a/b", false), "a%2Fb");
  EXPECT_EQ(percent_decoded("100%, 5%2 %zz"), "100%, 5%2 %zz");
}

}  // namespace
}  // namespace ringtrain
