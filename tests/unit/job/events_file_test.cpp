// SPDX-License-Identifier: Apache-2.0
#include "job/events_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "job/events.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  Lines cut;
  const Lines::Take take = [&](const std::string& line) { lines.push_back(line); };
  cut.feed(read_file(file), take);
  return lines;
}

TEST(EventsFile, HoldsAnObjectALine) {
  const TemporaryDirectory folder;
  const auto path = folder / "events.jsonl";
  const std::string line = print_event(LogEvent{"warning", "two\nlines"}, 3);
  EventsFile(path).append(line);
  EventsFile(path).append(line);
  EXPECT_THAT(lines_of(path), ElementsAre(line.substr(1), line.substr(1)));
  const auto record = parse_event('\x1e' + lines_of(path)[0]);
  ASSERT_TRUE(record);
  EXPECT_EQ(std::get<LogEvent>(record->event).message, "two\nlines");
  EXPECT_EQ(record->attempt, 3);
}

TEST(EventsFile, KeepsAHalfWrittenLineApart) {
  const TemporaryDirectory folder;
  const auto path = folder.write("events.jsonl", "{\"event\":\"st");
  EventsFile(path).append("\x1e{}");
  EXPECT_THAT(lines_of(path), ElementsAre("{\"event\":\"st", "{}"));
}

TEST(EventsFile, BelongsToOneRunAtATime) {
  const TemporaryDirectory folder;
  const auto path = folder / "events.jsonl";
  {
    EventsFile first(path);
    EXPECT_TRUE(first.try_lock());
    EXPECT_FALSE(EventsFile(path).try_lock());
  }
  EXPECT_TRUE(EventsFile(path).try_lock());
}

TEST(EventsFile, ThatCannotBeOpenedIsAnError) {
  EXPECT_THROW(EventsFile("/proc/events.jsonl"), std::system_error);
}

TEST(EventsFile, OnAFullDiskLosesLines) {
  EventsFile full("/dev/full");
  full.append("\x1e{}");
  full.sync();
}

}  // namespace
}  // namespace ringtrain
