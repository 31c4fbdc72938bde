// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  TemporaryDirectory folder_;
};

TEST_F(Files, AreReadWholeWhateverTheirSizeSays) {
  const std::string large(200'000, 'x');
  EXPECT_EQ(read_file(folder_.write("large", large)), large);
  EXPECT_EQ(read_file(folder_.write("empty", "")), "");
  EXPECT_THAT(read_file("/proc/self/status"), HasSubstr("Pid:"));
}

TEST_F(Files, AreReadUpToALimit) {
  const auto file = folder_.write("file", "12345");
  EXPECT_EQ(read_file(file, 5), "12345");
  EXPECT_THAT([&] { read_file(file, 4); },
              ThrowsError(ErrorKind::data,
                          AllOf(HasSubstr(file.string()), HasSubstr("larger than 4 bytes"))));
  EXPECT_THAT([&] { read_file("/dev/zero", 1000); }, ThrowsError(ErrorKind::data));
}

TEST_F(Files, ThatCannotBeReadAreNamedWithTheReason) {
  EXPECT_THAT([&] { read_file(folder_ / "absent"); },
              ThrowsError(ErrorKind::data, HasSubstr("absent: cannot open: No such file")));
  EXPECT_THAT([&] { read_file(folder_.path()); },
              ThrowsError(ErrorKind::data, HasSubstr("Is a directory")));
}

TEST_F(Files, APipeThatNobodyWritesToIsEmptyAndNoDataset) {
  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_file(pipe), "");
  EXPECT_THAT([&] { File::open_for_reading(pipe); },
              ThrowsError(ErrorKind::data, HasSubstr("not a regular file")));
}

TEST_F(Files, AppearWholeOrNotAtAll) {
  const auto file = folder_.write("file", "old");
  {
    PendingFile pending(file);
    pending.file().write_at("new", 3, 0);
    EXPECT_EQ(read_file(file), "old");
  }
  EXPECT_EQ(read_file(file), "old");
  EXPECT_THAT(folder_.names(), ElementsAre("file"));
  write_file(file, "new");
  EXPECT_EQ(read_file(file), "new");
  EXPECT_THAT(folder_.names(), ElementsAre("file"));
}

TEST_F(Files, AreAsPublicAsTheUmaskAllows) {
  const mode_t before = ::umask(027);
  write_file(folder_ / "file", "");
  ::umask(before);
  struct stat status = {};
  ASSERT_EQ(::stat((folder_ / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(Files, ThatCannotBeWrittenAreNamedWithTheReason) {
  EXPECT_THAT([&] { write_file(folder_ / "no" / "file", ""); },
              ThrowsError(ErrorKind::io, HasSubstr("no/file: cannot create: No such file")));
}

TEST_F(Files, KeepWhatIsWrittenWhileTheDiskIsWrittenBackTo) {
  PendingFile pending(folder_ / "file");
  pending.file().write_back_every(1000);
  const std::string piece(300, 'x');
  for (uint64_t i = 0; i < 10; ++i) pending.file().write_at(piece.data(), 300, 300 * i);
  pending.commit();
  EXPECT_EQ(read_file(folder_ / "file"), std::string(3000, 'x'));
}

}  // namespace
}  // namespace ringtrain
