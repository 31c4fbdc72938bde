// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/trace_times.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::benchmarks {
namespace {

TEST(TraceTimes, AreReadFromATraceOfAllRanks) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "trace.json";
  write_file(file,
             R"({"displayTimeUnit":"ms","traceEvents":[
{"ph":"M","pid":0,"tid":0,"name":"thread_name","args":{"name":"training"}},
{"ph":"M","pid":1,"name":"process_usage","args":
 {"user_seconds":2.5,"system_seconds":0.5,"page_faults":7,"waits":8,"preemptions":9}},
{"ph":"X","pid":0,"tid":0,"name":"data wait","ts":0.000,"dur":5.000},
{"ph":"X","pid":0,"tid":0,"name":"step","ts":5.000,"dur":10.000},
{"ph":"X","pid":0,"tid":0,"name":"step","ts":20.000,"dur":10.000},
{"ph":"X","pid":1,"tid":0,"name":"step","ts":5.000,"dur":25.000}
]})");
  const TraceTimes read = read_trace(file);
  const auto& ranks = read.steps;
  ASSERT_EQ(ranks.size(), 2U);
  ASSERT_EQ(ranks[0].size(), 2U);
  EXPECT_NEAR(ranks[0][0], 10e-6, 1e-12);
  EXPECT_NEAR(ranks[0][1], 15e-6, 1e-12);  // with the wait before it
  EXPECT_NEAR(ranks[1].at(0), 25e-6, 1e-12);
  ASSERT_EQ(read.usage.size(), 2U);
  EXPECT_DOUBLE_EQ(read.usage[1].cpu_seconds, 3);
  EXPECT_EQ(
      to_json(read.usage[1]).dump(),
      R"({"cpu_seconds":3.0,"system_seconds":0.5,"page_faults":7,"waits":8,"preemptions":9})");
}

TEST(TraceTimes, RefuseAFileThatIsNoTrace) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "trace.json";
  for (const char* text : {"", "[]", R"({"traceEvents": [{}]})", R"({"traceEvents": 1})"}) {
    write_file(file, text);
    EXPECT_THROW(read_trace(file), Error) << text;
  }
}

TEST(TraceTimes, SplitAStepWithoutARest) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "trace.json";
  // The second step has 2 us of waiting for data, 3 forward, 4 backward, 1 waiting for ranks inside
  // "agree", of which 1 more is left, 2 optimizer, and 1 between them.
  write_file(file, R"({"traceEvents":[
{"ph":"X","pid":0,"tid":0,"name":"forward","ts":0,"dur":9},
{"ph":"X","pid":0,"tid":0,"name":"step","ts":0,"dur":10},
{"ph":"X","pid":0,"tid":0,"name":"data wait","ts":10,"dur":2},
{"ph":"X","pid":0,"tid":0,"name":"forward","ts":12,"dur":3},
{"ph":"X","pid":0,"tid":0,"name":"backward","ts":15,"dur":4},
{"ph":"X","pid":0,"tid":1,"name":"reduce","ts":16,"dur":4},
{"ph":"X","pid":0,"tid":0,"name":"wait","ts":19,"dur":1},
{"ph":"X","pid":0,"tid":0,"name":"agree","ts":19,"dur":2},
{"ph":"X","pid":0,"tid":0,"name":"optimizer","ts":22,"dur":2},
{"ph":"X","pid":0,"tid":0,"name":"step","ts":12,"dur":12}
]})");
  const StepSplit split = read_trace(file).split;
  const auto microseconds = [&](const char* part) {
    return split.contains(part) ? split.at(part) * 1e6 : 0;
  };
  EXPECT_NEAR(microseconds("data wait"), 2, 1e-6);
  EXPECT_NEAR(microseconds("forward"), 3, 1e-6);
  EXPECT_NEAR(microseconds("backward"), 4, 1e-6);
  EXPECT_NEAR(microseconds("wait"), 1, 1e-6);
  EXPECT_NEAR(microseconds("optimizer"), 2, 1e-6);
  EXPECT_NEAR(microseconds("other"), 2, 1e-6);
  double sum = 0;
  for (const auto& [part, seconds] : split) sum += seconds;
  EXPECT_NEAR(sum * 1e6, 14, 1e-6);
}

}  // namespace
}  // namespace ringtrain::benchmarks
