// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_url.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/throws_error.hpp"

namespace ringtrain::storage {
namespace {

TEST(S3Url, TakesAKeyAsItIs) {
  const S3Url url = parse_s3_url("s3://animals/a//b c?d%20#=ü/");
  EXPECT_EQ(url.bucket, "animals");
  EXPECT_EQ(url.key, "a//b c?d%20#=ü/");
  EXPECT_EQ(url.print(), "s3://animals/a//b c?d%20#=ü/");
  EXPECT_EQ(parse_s3_url("s3://animals").key, "");
  EXPECT_EQ(parse_s3_url("s3://Old_Bucket.name/x").bucket, "Old_Bucket.name");
}

TEST(S3Url, HasTheBucketOfKubejobsPodsWhereItNamesNone) {
  ::setenv("datasetsbucket", "datasets", 1);
  EXPECT_EQ(parse_s3_url("s3:///cats.zip").print(), "s3://datasets/cats.zip");
  EXPECT_EQ(parse_s3_url("s3://mine/cats.zip").bucket, "mine");
  ::setenv("datasetsbucket", "../x", 1);
  EXPECT_THAT([] { parse_s3_url("s3:///key"); }, ThrowsError(ErrorKind::job));
  ::unsetenv("datasetsbucket");
}

TEST(S3Url, RefusesWhatWouldNameAnotherHost) {
  for (const char* url : {"s3:///key", "s3://ab/key", "s3://host:80/key", "s3://user@host/key",
                          "s3://a..b/key", "s3://.abc/key", "s3://a b c/key", "s3://a%2fb/key"}) {
    EXPECT_THAT([&] { parse_s3_url(url); },
                ThrowsError(ErrorKind::job, testing::HasSubstr("must be s3://BUCKET/KEY")))
        << url;
  }
  EXPECT_THAT([] { parse_s3_url("s3://abc/" + std::string(1025, 'x')); },
              ThrowsError(ErrorKind::job, testing::HasSubstr("1025 bytes")));
}

}  // namespace
}  // namespace ringtrain::storage
