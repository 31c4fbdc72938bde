// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/buckets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/server/refused.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class BucketUploadsTest : public testing::Test {
 protected:
  BucketUploadsTest() {
    ::setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:7070", 1);
    ::setenv("AWS_ACCESS_KEY_ID", "an-id", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "a-secret", 1);
  }
  ~BucketUploadsTest() override {
    for (const char* const name :
         {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
      ::unsetenv(name);
    }
  }
};

TEST(BucketOption, EndsWithASlash) {
  EXPECT_EQ(bucket_of_option("s3://pets"), "s3://pets/");
  EXPECT_EQ(bucket_of_option("s3://pets/team//"), "s3://pets/team/");
  EXPECT_THAT([] { bucket_of_option("/pets"); }, ThrowsError(ErrorKind::job));
  EXPECT_THAT([] { bucket_of_option("s3://"); }, ThrowsError(ErrorKind::job));
}

TEST(BucketUrl, LiesInABucketOfTheServer) {
  const std::vector<std::string> buckets = {"s3://pets/", "s3://plants/team/"};
  for (const char* const url : {"s3://pets/a", "s3://pets/a b/\xc3\xa4+=&?#%.zip", "s3://pets/a//b",
                                "s3://plants/team/a..b/..."}) {
    EXPECT_EQ(refusal_of_bucket_url(url, buckets), "") << url;
  }
  for (const char* const url : {"s3://pets", "s3://pets/", "s3://pet/a", "s3://plants/a",
                                "s3://plants/team/../a", "s3://pets/..", "s3://pets/a\nb",
                                "s3://pets/a\x7f", "s3:/pets/a", "s3://@host/a", "file:///etc"}) {
    EXPECT_NE(refusal_of_bucket_url(url, buckets), "") << url;
  }
  EXPECT_THAT(refusal_of_bucket_url("s3://pets/a", {}), HasSubstr("--bucket"));
}

TEST_F(BucketUploadsTest, SignsEachPartForItsPlaceAlone) {
  const BucketUploads uploads({"s3://pets/team/", "s3://plants/"});
  const auto begun = uploads.begin("../cats & dogs.zip", 20 << 20);
  EXPECT_THAT(begun.url, MatchesRegex("s3://pets/team/uploads/[0-9a-f]*/cats & dogs.zip"));
  EXPECT_THAT(begun.begin, StartsWith("http://127.0.0.1:7070/pets/team/uploads/"));
  EXPECT_THAT(begun.begin, HasSubstr("/cats%20%26%20dogs.zip?X-Amz-Algorithm="));
  EXPECT_THAT(begun.begin, HasSubstr("&uploads=&X-Amz-Signature="));
  const auto made = uploads.parts(begun.url, "the id", 20 << 20);
  ASSERT_EQ(made.parts.size(), 3u);
  EXPECT_EQ(made.parts[2].bytes, uint64_t{4} << 20);
  EXPECT_THAT(made.parts[2].url, HasSubstr("&partNumber=3&uploadId=the%20id&X-Amz-Signature="));
  EXPECT_EQ(uploads.parts(begun.url, "u", uint64_t{5} << 40).parts.size(), 2000u);
}

TEST_F(BucketUploadsTest, SignsNothingElse) {
  const BucketUploads uploads({"s3://pets/team/"});
  for (const char* const url : {"s3://pets/team/a.zip", "s3://pets/team/uploads/../a.zip",
                                "s3://plants/team/uploads/1/a.zip", "https://example.org/a.zip"}) {
    EXPECT_EQ(status_of_refusal([&] { uploads.parts(url, "u", 1); }), 422) << url;
  }
  EXPECT_EQ(status_of_refusal([&] { uploads.begin("a", 0); }), 413);
  EXPECT_EQ(status_of_refusal([&] { uploads.begin("a", uint64_t{6} << 40); }), 413);
  EXPECT_EQ(status_of_refusal([&] { BucketUploads({}).begin("a", 1); }), 409);
}

}  // namespace
}  // namespace ringtrain::server
