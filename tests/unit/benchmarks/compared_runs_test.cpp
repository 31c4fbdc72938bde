// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/compared_runs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/throws_error.hpp"

namespace ringtrain::benchmarks {
namespace {

using testing::HasSubstr;

// 7 rounds of ringtrain at about `rate`, and of the same without averaging at 1,000; the last is
// disturbed and far off.
std::string run_of(double rate, const std::string& processor = "EPYC") {
  std::string lines = fmt::format(
      R"({{"kind":"provenance","processor":{{"value":"{}"}},"cores":{{"value":"2 cores"}}}})"
      "\n",
      processor);
  for (int i = 0; i < 8; ++i) {
    lines += fmt::format(R"({{"kind":"round","model":"mlp","disturbed":"{}","runs":[)"
                         R"({{"name":"ringtrain","samples_per_second":{}}},)"
                         R"({{"name":"no averaging","samples_per_second":1000}}]}})"
                         "\n",
                         i == 7 ? "others" : "", i == 7 ? 1.0 : rate * (1 + 0.001 * i));
  }
  return lines + R"({"kind":"table","model":"mlp","ranks":2})"
                 "\n";
}

TEST(ComparedRuns, ShowADifferenceAndItsProbability) {
  const auto rows =
      compare(read_step_run(run_of(900), "a"), read_step_run(run_of(927), "b"), false);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].before.rates.size(), 7U);
  EXPECT_EQ(print_change(rows[0]), "+3.0% (p=0.001 n=7)");
  EXPECT_EQ(print_change(rows[1]), "~ (p=1.000 n=7)");
  EXPECT_FALSE(is_slower(rows[0], 0.01));
}

TEST(ComparedRuns, AreSlowerOnlyByTheWholeInterval) {
  const auto rows =
      compare(read_step_run(run_of(900), "a"), read_step_run(run_of(855), "b"), false);
  EXPECT_TRUE(is_slower(rows[0], 0.03));
  EXPECT_FALSE(is_slower(rows[0], 0.06));
}

TEST(ComparedRuns, OfTwoMachinesAreRefusedUnlessNormalised) {
  const StepRun before = read_step_run(run_of(900), "a");
  const StepRun after = read_step_run(run_of(927, "Xeon"), "b");
  EXPECT_THAT([&] { compare(before, after, false); },
              ThrowsError(ErrorKind::job, HasSubstr("different machines ('EPYC, 2 cores'")));
  const auto rows = compare(before, after, true);
  ASSERT_EQ(rows.size(), 1U);  // not the anchor itself
  EXPECT_NEAR(rows[0].ratio, 1.03, 1e-9);
}

TEST(ComparedRuns, RefuseOtherFiles) {
  EXPECT_THAT([] { read_step_run("{}\n", "a.jsonl"); },
              ThrowsError(ErrorKind::data, HasSubstr("a.jsonl: no rounds")));
  EXPECT_THAT([] { read_step_run("{}\nx\n", "a.jsonl"); },
              ThrowsError(ErrorKind::data, HasSubstr("a.jsonl: line 2")));
}

}  // namespace
}  // namespace ringtrain::benchmarks
