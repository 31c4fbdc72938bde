// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/destination.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

class OwnSource : public testing::Test {
 protected:
  void expect_refused(const std::filesystem::path& output, const std::filesystem::path& source,
                      const std::string& because) const {
    EXPECT_THAT([&] { refuse_own_source(output.string(), {source.string()}); },
                ThrowsError(ErrorKind::job, HasSubstr(because)));
  }

  TemporaryDirectory folder_;
};

TEST_F(OwnSource, IsNeverReplacedUnderWhateverName) {
  const auto table = folder_.write("t.csv", "1,2,a\n");
  std::filesystem::create_symlink(table, folder_ / "link.csv");
  expect_refused(table, table, "t.csv: is read by this import");
  expect_refused(folder_ / "link.csv", table, "link.csv: is read by this import");
  expect_refused(folder_ / "x" / ".." / "t.csv", table, "is read by this import");
}

TEST_F(OwnSource, InAFolderIsNotReplacedEither) {
  const auto picture = folder_.write("photos/cat/1.png", "x");
  expect_refused(picture, folder_ / "photos", "is a file of");
  // A dataset that was made there before is no source.
  const auto dataset = folder_.write("photos/set.h5", "\x89HDF\r\n\x1a\n...");
  EXPECT_NO_THROW(refuse_own_source(dataset.string(), {(folder_ / "photos").string()}));
}

TEST_F(OwnSource, AllowsAnyOtherFile) {
  const auto table = folder_.write("t.csv", "1,2,a\n");
  const auto other = folder_.write("other.csv", "1,2,a\n");
  EXPECT_NO_THROW(refuse_own_source(other.string(), {table.string()}));
  EXPECT_NO_THROW(refuse_own_source((folder_ / "new.h5").string(), {table.string()}));
}

}  // namespace
}  // namespace ringtrain::launcher
