// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/reporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace ringtrain {
namespace {

using testing::HasSubstr;

std::string stdout_of(const std::function<void()>& action) {
  testing::internal::CaptureStdout();
  action();
  return testing::internal::GetCapturedStdout();
}

std::string stderr_of(const std::function<void()>& action) {
  testing::internal::CaptureStderr();
  action();
  return testing::internal::GetCapturedStderr();
}

TEST(Reporter, WritesEventsAsJsonSequencesForTheLauncher) {
  const Reporter reporter(/*events=*/true, /*quiet=*/false);
  std::string said = stdout_of([&] { reporter.event(EvaluatingEvent{3}, "for people"); });
  ASSERT_TRUE(said.ends_with('\n'));
  said.pop_back();
  EXPECT_EQ(parse_event(said).value().event, Event(EvaluatingEvent{3}));
  said = stdout_of([&] { reporter.warn("slow"); });
  said.pop_back();
  EXPECT_EQ(parse_event(said).value().event, Event(LogEvent{"warning", "slow"}));
}

TEST(Reporter, WritesLinesWithTheTimeForPeople) {
  EXPECT_THAT(
      stderr_of([] {
        const Reporter reporter(/*events=*/false, /*quiet=*/false);
        reporter.event(EvaluatingEvent{3}, "step 3");
        reporter.event(EvaluatingEvent{4}, "");
        reporter.warn("slow");
      }),
      testing::MatchesRegex(".*T..:..:......Z info step 3\n.*T..:..:......Z warning slow\n"));
}

TEST(Reporter, ReportsOnlyFailuresIfQuiet) {
  const Reporter reporter(/*events=*/true, /*quiet=*/true);
  EXPECT_EQ(stdout_of([&] {
              reporter.event(EvaluatingEvent{3}, "step 3");
              reporter.log("one");
              reporter.warn("two");
            }),
            "");
  EXPECT_THAT(stdout_of([&] {
                reporter.failure({4, true, 2, "node2", "lost"});
              }),
              HasSubstr(R"("exit_code":4,"again":true,"rank":2,"host":"node2","message":"lost")"));
}

TEST(Reporter, ReplacesTextThatIsNotUtf8) {
  const Reporter reporter(/*events=*/true, /*quiet=*/false);
  EXPECT_THAT(stdout_of([&] { reporter.log("file \xff"); }), HasSubstr("file \xef\xbf\xbd"));
}

}  // namespace
}  // namespace ringtrain
