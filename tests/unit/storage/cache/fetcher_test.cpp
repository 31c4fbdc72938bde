// SPDX-License-Identifier: Apache-2.0
// Ranks and their fetcher, which here is a thread of the test.
#include "storage/cache/fetcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <thread>

#include "base/error.hpp"
#include "storage/cache/fetcher_program.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/storage/fake_s3.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using testing::HasSubstr;

std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

class Fetchers : public testing::Test {
 protected:
  Fetchers() {
    ::setenv("AWS_ENDPOINT_URL", server_.url().c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", "id", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    ::setenv("RINGTRAIN_PROGRAM", "/no/such/program", 1);
    server_.put("/bucket/key", bytes_);
  }
  ~Fetchers() override {
    for (const char* name :
         {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RINGTRAIN_PROGRAM"}) {
      ::unsetenv(name);
    }
  }

  // A connection to a fetcher, which is started where there is none, as a thread.
  std::shared_ptr<HostCache> cache(uint64_t budget = 1 << 20) {
    const CacheOptions options{budget, folder_.path()};
    if (FileDescriptor listener = listen_for_ranks(options); listener.is_open()) {
      fetchers_.emplace_back([options, socket = std::move(listener)]() mutable {
        run_fetcher(std::move(socket), options);
      });
    }
    return std::make_shared<HostCache>(options);
  }

  std::string read_file(const CachedObject& object, const Range& range) {
    std::string bytes(range.size, '\0');
    object.open_file().read_at(bytes.data(), bytes.size(), range.offset);
    return bytes;
  }

  const std::string bytes_ = pattern(100'000);
  FakeS3 server_;
  const TemporaryDirectory folder_;
  std::vector<std::jthread> fetchers_;  // end a moment after their last rank
};

TEST_F(Fetchers, ReadWithoutTheDisk) {
  const auto object = CachedObject::open(cache(), "s3://bucket/key");
  EXPECT_EQ(object->size(), 100'000u);
  EXPECT_EQ(object->etag(), "\"v1\"");
  std::string bytes(100'000, '\0');
  object->read_at(bytes.data(), bytes.size(), 0);
  EXPECT_EQ(bytes, bytes_);
  object->read_at(bytes.data(), 3, 99'997);
  EXPECT_EQ(bytes.substr(0, 3), bytes_.substr(99'997));
  EXPECT_EQ(server_.requests().size(), 2u);  // HEAD, and one page for all of it
  EXPECT_THROW(object->read_at(bytes.data(), 3, 99'998), Error);
}

TEST_F(Fetchers, WhatIsHeldIsInTheFileAndTheRestIsNot) {
  const auto object = CachedObject::open(cache(), "s3://bucket/key");
  const Range range{1000, 5000};
  object->hold(range);
  EXPECT_EQ(read_file(*object, range), bytes_.substr(1000, 5000));
  EXPECT_EQ(read_file(*object, {8192, 100}), std::string(100, '\0'));
  EXPECT_TRUE(folder_.names().empty());  // the file has no name
}

TEST_F(Fetchers, RanksShareWhatOneOfThemFetched) {
  const auto first = CachedObject::open(cache(), "s3://bucket/key");
  const auto second = CachedObject::open(cache(), "s3://bucket/key", first->etag());
  first->hold({0, 1000});
  second->hold({0, 1000});
  EXPECT_EQ(read_file(*second, {0, 1000}), bytes_.substr(0, 1000));
  EXPECT_EQ(server_.requests().size(), 2u);
}

TEST_F(Fetchers, TheDiskKeepsNoMoreThanTheBudget) {
  const auto object = CachedObject::open(cache(32'768), "s3://bucket/key");
  const auto used = [&] {
    struct stat status {};
    ::fstat(object->open_file().fd(), &status);
    return static_cast<uint64_t>(status.st_blocks) * 512;
  };
  for (uint64_t offset = 0; offset + 8192 <= bytes_.size(); offset += 8192) {
    const Range range{offset, 8192};
    object->hold(range);
    EXPECT_EQ(read_file(*object, range), bytes_.substr(offset, 8192));
    object->drop(range);
    EXPECT_LE(used(), 32'768u);
  }
  const auto before = server_.requests().size();
  object->hold({11 * 8192, 8192});  // of the last ones, which are still there
  EXPECT_EQ(server_.requests().size(), before);
  object->hold({0, 8192});  // gave way long ago
  EXPECT_EQ(read_file(*object, {0, 8192}), bytes_.substr(0, 8192));
}

TEST_F(Fetchers, MoreThanTheBudgetAtOnceIsRefusedByItsKey) {
  const auto object = CachedObject::open(cache(10'000), "s3://bucket/key");
  object->hold({0, 8000});
  EXPECT_THAT(
      [&] {
        object->hold({8000, 8000});
      },
      ThrowsError(ErrorKind::data, HasSubstr("dataset_cache.gib: 9.8 KiB hold no more")));
}

TEST_F(Fetchers, FailuresReachTheRankThatNeedsTheRange) {
  const auto object = CachedObject::open(cache(), "s3://bucket/key");
  server_.put("/bucket/key", bytes_);
  EXPECT_THAT(
      [&] {
        object->hold({0, 100});
      },
      ThrowsError(ErrorKind::data, HasSubstr("s3://bucket/key: has changed")));
  EXPECT_THAT([&] { CachedObject::open(cache(), "s3://bucket/none"); },
              ThrowsError(ErrorKind::data, HasSubstr("s3://bucket/none: there is no such object")));
  EXPECT_THAT([&] { CachedObject::open(cache(), "s3://bucket/key", "\"v9\""); },
              ThrowsError(ErrorKind::data, HasSubstr("s3://bucket/key: has changed")));
}

TEST_F(Fetchers, ManyThreadsOfARankWaitAtOnce) {
  const auto object = CachedObject::open(cache(), "s3://bucket/key");
  std::vector<std::jthread> threads;
  for (uint64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const Range range{i * 1000, 1000};
      object->hold(range);
      EXPECT_EQ(read_file(*object, range), bytes_.substr(i * 1000, 1000));
    });
  }
}

TEST_F(Fetchers, ObjectsAreListed) {
  server_.put("/bucket/run/a", "x");
  server_.put("/bucket/run/b", "x");
  EXPECT_THAT(cache()->list("s3://bucket/run/"),
              testing::ElementsAre("s3://bucket/run/a", "s3://bucket/run/b"));
}

TEST(FetcherProgram, ThatIsMissingIsNamed) {
  ::setenv("RINGTRAIN_PROGRAM", "/no/such/program", 1);
  EXPECT_THAT([] { HostCache(CacheOptions{.bytes = 12345}); },
              ThrowsError(ErrorKind::data, HasSubstr("/no/such/program: cannot be started")));
  ::unsetenv("RINGTRAIN_PROGRAM");
}

}  // namespace
}  // namespace ringtrain::storage
