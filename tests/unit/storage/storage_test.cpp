// SPDX-License-Identifier: Apache-2.0
#include "storage/storage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/file.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/storage/fake_s3.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StorageByUrl : public testing::Test {
 protected:
  StorageByUrl() {
    ::setenv("AWS_ENDPOINT_URL", server_.url().c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", "id", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  }
  ~StorageByUrl() override {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
      ::unsetenv(name);
    }
  }
  FakeS3 server_;
  const TemporaryDirectory folder_;
  Storage storage_{StorageOptions{.retries = kFast, .parts = {.part_bytes = 3}}};
};

TEST_F(StorageByUrl, AFileGoesUpAndComesDown) {
  storage_.upload(folder_.write("file", "0123456789"), "s3://bucket/a/b");
  EXPECT_EQ(server_.objects()["/bucket/a/b"], "0123456789");
  uint64_t last = 0;
  storage_.download(*storage_.open("s3://bucket/a/b"), folder_ / "copy",
                    [&](uint64_t done, uint64_t) { last = done; });
  EXPECT_EQ(read_file(folder_ / "copy"), "0123456789");
  EXPECT_EQ(last, 10u);
  storage_.write("text", "s3://bucket/a/c");
  EXPECT_THAT(storage_.list("s3://bucket/a/"), ElementsAre("s3://bucket/a/b", "s3://bucket/a/c"));
  storage_.remove("s3://bucket/a/b");
  EXPECT_EQ(storage_.find("s3://bucket/a/b"), nullptr);
  EXPECT_NE(storage_.find("s3://bucket/a/c"), nullptr);
}

TEST_F(StorageByUrl, ADownloadThatFailsLeavesNothing) {
  server_.put("/bucket/key", "0123456789");
  const auto source = storage_.open("s3://bucket/key");
  server_.put("/bucket/key", "9876543210");
  EXPECT_THAT([&] { storage_.download(*source, folder_ / "copy"); },
              ThrowsError(ErrorKind::data, HasSubstr("has changed")));
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(StorageByUrl, PathsAndFileUrlsAreFiles) {
  const std::string path = folder_.write("file", "text");
  for (const std::string& url : {path, "file://" + path}) {
    const auto source = storage_.open(url);
    EXPECT_EQ(source->name(), path);
    EXPECT_EQ(source->size(), 4u);
    EXPECT_EQ(source->etag(), "");
  }
  EXPECT_THAT([&] { storage_.upload(path, "https://host/file"); },
              ThrowsError(ErrorKind::job, HasSubstr("must be s3://BUCKET/KEY here")));
}

TEST_F(StorageByUrl, TheEnvironmentMayAllowPublicAddressesAlone) {
  ::setenv("RINGTRAIN_URLS", "public", 1);
  EXPECT_THAT([&] { Storage().open(server_.url() + "/file"); },
              ThrowsError(ErrorKind::data, HasSubstr("not an address of the public internet")));
  ::setenv("RINGTRAIN_URLS", "all", 1);
  EXPECT_THAT([] { storage_options(); }, ThrowsError(ErrorKind::job, HasSubstr("must be public")));
  ::unsetenv("RINGTRAIN_URLS");
}

}  // namespace
}  // namespace ringtrain::storage
