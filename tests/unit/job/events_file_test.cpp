// SPDX-License-Identifier: Apache-2.0
#include "job/events_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
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

TEST(ReadEvents, TakesWholeLinesOnceAndPassesOverOthers) {
  const TemporaryDirectory folder;
  const auto file = folder / "events.jsonl";
  uint64_t offset = 0;
  int found = 0;
  const auto read = [&] { return read_events(file, offset, [&](const EventRecord&) { ++found; }); };
  EXPECT_FALSE(read());
  const std::string line = print_event(LogEvent{"info", "one"}, 1).substr(1);
  std::ofstream(file) << line << "\nnot json\n{\"event\":\"unknown\"}\n" << line.substr(0, 9);
  EXPECT_FALSE(read());
  EXPECT_EQ(found, 1);
  EXPECT_FALSE(read());
  EXPECT_EQ(found, 1);
  std::ofstream(file, std::ios::app) << line.substr(9) << "\n";
  read();
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace ringtrain
