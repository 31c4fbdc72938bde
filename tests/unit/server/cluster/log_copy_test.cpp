// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/log_copy.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

std::string event(const std::string& second, int step) {
  return "2026-11-25T00:00:" + second +
         ".5Z \x1e{\"event\":\"step\",\"step\":" + std::to_string(step) +
         ",\"steps\":9,\"time\":\"2026-11-25T00:00:" + second + ".400Z\"}";
}

class LogCopyTest : public testing::Test {
 protected:
  std::string content(const char* file) const { return read_file(folder_ / file); }

  const TemporaryDirectory folder_;
};

TEST_F(LogCopyTest, EventsAndOtherLinesGoToFilesOfTheirOwn) {
  LogCopy copy(folder_ / "");
  copy.take("2026-11-25T00:00:01.123456789Z ringtrain: starts");
  copy.take(event("02", 1));
  copy.take("2026-11-25T00:00:03Z \x1eno event");
  EXPECT_EQ(content("train.log"), "2026-11-25T00:00:01.123Z ringtrain: starts\n");
  EXPECT_EQ(content("events.jsonl"),
            "{\"event\":\"step\",\"step\":1,\"steps\":9,\"time\":\"2026-11-25T00:00:02.400Z\"}\n");
  EXPECT_EQ(print_time(*copy.newest()), "2026-11-25T00:00:03Z");
}

TEST_F(LogCopyTest, LinesThatComeAgainAreLeftOutAlsoByAnotherCopy) {
  {
    LogCopy copy(folder_ / "");
    copy.take("2026-11-25T00:00:01Z one");
    copy.take(event("02", 1));
    copy.take(event("02", 1));
  }
  LogCopy copy(folder_ / "");
  EXPECT_EQ(print_time(*copy.newest()), "2026-11-25T00:00:02Z");
  copy.take("2026-11-25T00:00:01Z one");
  copy.take(event("02", 1));
  copy.take(event("03", 2));
  EXPECT_EQ(content("train.log"), "2026-11-25T00:00:01.000Z one\n");
  const std::string events = content("events.jsonl");
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 2);
}

TEST_F(LogCopyTest, HalfOfALineIsEndedBeforeTheNext) {
  folder_.write("events.jsonl", "{\"event\":\"st");
  LogCopy copy(folder_ / "");
  copy.take(event("02", 1));
  EXPECT_EQ(content("events.jsonl"),
            "{\"event\":\"st\n{\"event\":\"step\",\"step\":1,\"steps\":9,\"time\":\"2026-11-25T00:"
            "00:02.400Z\"}\n");
}

}  // namespace
}  // namespace ringtrain::server
