// SPDX-License-Identifier: Apache-2.0
// storage/ against the S3 server that the environment names; storage_server_test.py starts one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/file.hpp"
#include "storage/storage.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

StorageOptions quick() {
  return {.retries = {8, std::chrono::milliseconds(5), std::chrono::milliseconds(50)}};
}

std::string read(const Source& source) {
  std::string bytes(source.size(), '\0');
  source.read_at(bytes.data(), bytes.size(), 0);
  return bytes;
}

TEST(StorageServer, KeysMayHoldEveryOddCharacter) {
  Storage storage(quick());
  for (const std::string key :
       {"plain", "with space", "plus+plus", "equals=equals", "a&b", "what?", "hash#", "per%cent",
        "%41", "til~de", "it's", "(a)*[b]{c}", "semi;colon:comma,", "at@dollar$", "bar|back\\slash",
        "<less>\"quote\"", "größe/猫", "run=7/step 1/a+b%20c"}) {
    const std::string url = "s3://data/odd/" + key;
    SCOPED_TRACE(url);
    storage.write("bytes of " + key, url);
    EXPECT_EQ(read(*storage.open(url)), "bytes of " + key);
    EXPECT_THAT(storage.list("s3://data/odd/"), Contains(url));
    storage.remove(url);
    EXPECT_EQ(storage.find(url), nullptr);
  }
}

TEST(StorageServer, AFileOfManyPartsGoesUpAndComesDown) {
  const TemporaryDirectory folder;
  const std::string bytes = pattern((size_t{26} << 20) + 17);
  Storage storage(quick());
  storage.upload(folder.write("file", bytes), "s3://data/large");
  const auto source = storage.open("s3://data/large");
  ASSERT_EQ(source->size(), bytes.size());
  storage.download(*source, folder / "copy");
  EXPECT_TRUE(read_file(folder / "copy", bytes.size()) == bytes);
  std::string part(100'000, '\0');
  source->read_at(part.data(), part.size(), (size_t{8} << 20) - 7);
  EXPECT_TRUE(part == bytes.substr((size_t{8} << 20) - 7, part.size()));
  storage.write("", "s3://data/empty");
  EXPECT_EQ(storage.open("s3://data/empty")->size(), 0u);
}

TEST(StorageServer, OfManyObjectsAllAreListed) {
  Storage storage(quick());
  for (int i = 0; i < 30; ++i) storage.write("x", "s3://data/many/" + std::to_string(i));
  EXPECT_EQ(storage.list("s3://data/many/").size(), 30u);
  EXPECT_EQ(storage.list("s3://data/none/").size(), 0u);
}

TEST(StorageServer, AnObjectThatChangesIsAnError) {
  Storage storage(quick());
  storage.write("one", "s3://data/changes");
  const auto source = storage.open("s3://data/changes");
  storage.write("two", "s3://data/changes");
  EXPECT_THAT([&] { read(*source); },
              ThrowsError(ErrorKind::data, HasSubstr("s3://data/changes: has changed")));
}

TEST(AnotherVersion, IsNoticedWhereTheServerGivesIt) {
  Storage storage(quick());
  storage.write("one", "s3://data/version");
  EXPECT_THAT([&] { read(*storage.open("s3://data/version")); },
              ThrowsError(ErrorKind::data, HasSubstr("s3://data/version: has changed")));
}

auto Refuses(const char* text) { return ThrowsError(ErrorKind::data, HasSubstr(text)); }

TEST(Refusals, SayWhatToDo) {
  EXPECT_THAT([] { Storage(quick()).open("s3://data/none"); },
              Refuses("s3://data/none: there is no such object"));
  EXPECT_THAT([] { Storage(quick()).list("s3://no-such-bucket/"); },
              Refuses("correct the bucket's name or AWS_ENDPOINT_URL"));
  EXPECT_THAT([] { Storage(quick()).write("x", "s3://no-such-bucket/key"); },
              Refuses("s3://no-such-bucket/key: the server answers 404 NoSuchBucket"));
  ::setenv("AWS_REGION", "eu-west-1", 1);
  EXPECT_THAT([] { Storage(quick()).list("s3://data/"); }, Refuses("set AWS_REGION=eu-north-7"));
  ::setenv("AWS_REGION", "eu-north-7", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
  EXPECT_THAT([] { Storage(quick()).write("x", "s3://data/key"); },
              Refuses("are the keys of AWS_ACCESS_KEY_ID the right ones"));
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  EXPECT_THAT([] { Storage(quick()).write("x", "s3://data/key"); }, Refuses("no keys were found"));
}

}  // namespace
}  // namespace ringtrain::storage
