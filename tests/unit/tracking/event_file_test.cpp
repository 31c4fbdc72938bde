// SPDX-License-Identifier: Apache-2.0
#include "tracking/event_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"
#include "tracking/tensorboard.hpp"

namespace ringtrain::tracking {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The messages of a file, whose lengths are checked.
std::vector<std::string> records_in(const fs::path& file) {
  const std::string bytes = read_file(file);
  std::vector<std::string> records;
  for (size_t at = 0; at + 12 <= bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    records.push_back(bytes.substr(at + 12, length));
    at += 12 + length + 4;
    EXPECT_LE(at, bytes.size());
  }
  return records;
}

// tests/integration/tracking/tensorboard_test.py reads files by TensorBoard's own code.
TEST(EventFile, StartsWithItsVersionByTheBytesOfTensorFlow) {
  const TemporaryDirectory folder;
  EventFile(folder / "tb", Time(std::chrono::seconds(1)));
  const auto files = files_in(folder / "tb");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(files[0].filename().string().starts_with("events.out.tfevents.0000000001.0000."));
  // 24 bytes: wall_time 1.0 (9 bytes), step 0 (2 bytes), file_version "brain.Event:2" (15 bytes).
  const std::string bytes = read_file(files[0]);
  ASSERT_EQ(bytes.size(), 8u + 4 + 26 + 4);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x1a\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(12, 26),
            std::string("\x09\0\0\0\0\0\0\xf0\x3f\x10\0\x1a\x0d", 13) + "brain.Event:2");
}

TEST(EventFile, HoldsARecordForEachEvent) {
  const TemporaryDirectory folder;
  {
    EventFile file(folder / "tb", Time(std::chrono::seconds(1)));
    file.add(300, {{"loss", 0.5}}, Time(std::chrono::seconds(2)));
    file.restart(7, Time(std::chrono::seconds(3)));
  }
  const auto records = records_in(files_in(folder / "tb").at(0));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].substr(9),
            std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f", 18));
  EXPECT_EQ(records[2].substr(9), std::string("\x10\x07\x3a\x02\x08\x01", 6));
}

TEST(TensorBoard, MakesAFileForEachLauncherAndNoneBeforeTraining) {
  const TemporaryDirectory folder;
  for (int launcher = 0; launcher < 2; ++launcher) {
    TensorBoard board(folder / "tb");
    board.take({LogEvent{"info", "text"}, Time(std::chrono::seconds(5)), 1});
    StepEvent step;
    step.step = 3;
    board.take({step, Time(std::chrono::seconds(5)), 1});
  }
  EXPECT_EQ(files_in(folder / "tb").size(), 2u);
}

TEST(TensorBoard, SaysWhereAFolderCannotBeMade) {
  const TemporaryDirectory folder;
  write_file(folder / "tb", "a file");
  TensorBoard board(folder / "tb");
  StepEvent step;
  EXPECT_THROW(board.take({step, Time{}, 1}), Error);
}

}  // namespace
}  // namespace ringtrain::tracking
