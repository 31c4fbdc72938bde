// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFolder, GoesWithAllThatIsInItForItsOwnerAlone) {
  const TemporaryDirectory parent;
  fs::path path;
  {
    const TemporaryFolder folder(parent.path(), "import.");
    path = folder.path();
    EXPECT_THAT(path.filename().string(), testing::StartsWith("import."));
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    fs::create_directory(path / "deep");
    std::ofstream(path / "deep/file") << "text";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolder, StaysIfItIsKept) {
  const TemporaryDirectory parent;
  {
    TemporaryFolder folder(parent.path(), ".new.");
    fs::rename(folder.path(), parent / "job");
    folder.keep();
  }
  EXPECT_TRUE(fs::is_directory(parent / "job"));
}

TEST(TemporaryFolder, SaysWhereItCannotBe) {
  EXPECT_THAT([] { TemporaryFolder("/nowhere", "a."); },
              ThrowsError(ErrorKind::io, testing::HasSubstr("/nowhere/a.")));
}

}  // namespace
}  // namespace ringtrain
