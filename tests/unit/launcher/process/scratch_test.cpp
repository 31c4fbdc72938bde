// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/scratch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  EXPECT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  return name.data();
}

TEST(Scratch, NamesAreNewEveryTime) {
  EXPECT_NE(new_scratch_name(), new_scratch_name());
  EXPECT_TRUE(new_scratch_name().starts_with("ringtrain-"));
}

TEST(Scratch, IsRemovedWithItsContents) {
  const std::string name = new_scratch_name();
  make_scratch(name);
  EXPECT_TRUE(fs::is_directory(scratch_in_memory(name)));
  EXPECT_TRUE(fs::is_directory(scratch_for_session(name)));
  std::ofstream(fs::path(scratch_in_memory(name)) / "segment") << "x";
  fs::create_directory(fs::path(scratch_for_session(name)) / ("ompi." + host_name() + ".0"));
  remove_scratch(name);
  EXPECT_FALSE(fs::exists(scratch_in_memory(name)));
  EXPECT_FALSE(fs::exists(scratch_for_session(name)));
}

TEST(Scratch, LeavesAnotherHostsPartOfASharedFolder) {
  const std::string name = new_scratch_name();
  make_scratch(name);
  const fs::path theirs = fs::path(scratch_for_session(name)) / "ompi.another-host.0";
  fs::create_directory(theirs);
  remove_scratch(name);
  EXPECT_TRUE(fs::exists(theirs));
  fs::remove_all(scratch_for_session(name));
}

TEST(Scratch, TouchesNoFolderOfAnotherName) {
  for (const std::string name : {"", "..", "ringtrain-", "ringtrain-0123456789abcdeX",
                                 "ringtrain-0123456789abcdef/x", "ringtrain-0123456789ABCDEF"}) {
    make_scratch(name);
    const bool is_a_folder = name.empty() || name == "..";  // that was there before
    EXPECT_EQ(fs::exists(scratch_in_memory(name)), is_a_folder) << name;
    remove_scratch(name);
  }
  EXPECT_TRUE(fs::exists("/tmp"));
}

}  // namespace
}  // namespace ringtrain::launcher
