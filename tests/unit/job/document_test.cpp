// SPDX-License-Identifier: Apache-2.0
#include "job/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/unit/job/refusal.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

TEST(ReadJobText, RefusesWhatIsNoRegularFile) {
  const TemporaryDirectory directory;
  const auto read = [&](const std::filesystem::path& path) {
    return refusal([&] { read_job_text(path); });
  };
  EXPECT_EQ(read(directory.path() / "none"),
            (directory.path() / "none").string() + ": there is no such job file");
  EXPECT_THAT(read(directory.path()), HasSubstr("is a directory"));
  EXPECT_THAT(read("/dev/zero"), HasSubstr(": not a regular file"));
  ASSERT_EQ(::mkfifo((directory.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(read(directory.path() / "pipe"), HasSubstr(": not a regular file"));
}

TEST(ReadJobText, StopsBehindOneMebibyte) {
  const TemporaryDirectory directory;
  const auto file = directory.write("big.yaml", std::string(3 << 20, '#'));
  EXPECT_EQ(read_job_text(file).size(), (1U << 20) + 1);
}

TEST(InQuotes, CutsLongTextsBetweenCharacters) {
  EXPECT_EQ(in_quotes("short"), "'short'");
  std::string euros;
  for (int i = 0; i < 50; ++i) euros += "\xe2\x82\xac";
  const std::string cut = in_quotes(euros);
  EXPECT_EQ(cut.size(), 2 + 60 + 3);
  EXPECT_EQ(in_quotes("x" + euros).size(), 2 + 58 + 3);
}

}  // namespace
}  // namespace ringtrain
