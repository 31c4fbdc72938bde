// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/confine.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;

class ConfineTest : public testing::Test {
 protected:
  // Whether a confined process finds that something holds.
  bool finds(const std::function<bool()>& what) {
    Child child({.body = [&] {
      confine({.directory = folder_.path(),
               .memory_bytes = uint64_t{1} << 30,
               .file_bytes = 1000,
               .cpu_seconds = 100});
      return what() ? 0 : 1;
    }});
    return child.wait().success();
  }

  const TemporaryDirectory folder_;
};

TEST_F(ConfineTest, LeavesNoNetwork) {
  EXPECT_TRUE(finds([] { return ::socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES; }));
  EXPECT_TRUE(finds([] { return ::socket(AF_INET6, SOCK_DGRAM, 0) < 0 && errno == EACCES; }));
  EXPECT_TRUE(finds([] { return ::socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES; }));
}

TEST_F(ConfineTest, WorksInTheFolderAndWritesNoLargeFile) {
  EXPECT_TRUE(finds([] {
    const FileDescriptor file(::open("small", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string bytes(2000, 'x');
    return ::write(file.get(), bytes.data(), bytes.size()) == 1000 &&
           ::write(file.get(), bytes.data(), 1) < 0 && errno == EFBIG;
  }));
  EXPECT_THAT(folder_.names(), ElementsAre("small"));
}

TEST_F(ConfineTest, LimitsMemoryAndProcessorTime) {
  EXPECT_TRUE(finds([] {
    rlimit memory{};
    rlimit time{};
    ::getrlimit(RLIMIT_DATA, &memory);
    ::getrlimit(RLIMIT_CPU, &time);
    return memory.rlim_max == uint64_t{1} << 30 && time.rlim_cur == 100;
  }));
}

TEST(Confined, IsACommandOfRingtrain) {
  EXPECT_THAT(confined({.directory = "/d", .memory_bytes = 1, .file_bytes = 2, .cpu_seconds = 3},
                       {"dataset", "info"}),
              ElementsAre("confine", "/d", "1", "2", "3", "--", "dataset", "info"));
}

}  // namespace
}  // namespace ringtrain::launcher
