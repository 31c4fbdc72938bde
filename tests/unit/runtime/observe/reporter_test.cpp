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
  EXPECT_EQ(stdout_of([&] {
              reporter.event("step", {{"step", 3}}, "for people");
            }),
            "\x1e{\"event\":\"step\",\"step\":3}\n");
  EXPECT_EQ(stdout_of([&] { reporter.warn("slow"); }),
            "\x1e{\"event\":\"log\",\"level\":\"warning\",\"message\":\"slow\"}\n");
}

TEST(Reporter, WritesLinesWithTheTimeForPeople) {
  EXPECT_THAT(stderr_of([] {
                const Reporter reporter(/*events=*/false, /*quiet=*/false);
                reporter.event("step", {{"step", 3}}, "step 3");
                reporter.event("step", {{"step", 4}}, "");
                reporter.warn("slow");
              }),
              testing::MatchesRegex("..:..:.. info step 3\n..:..:.. warning slow\n"));
}

TEST(Reporter, ReportsOnlyFailuresIfQuiet) {
  const Reporter reporter(/*events=*/true, /*quiet=*/true);
  EXPECT_EQ(stdout_of([&] {
              reporter.event("step", {{"step", 3}}, "step 3");
              reporter.log("one");
              reporter.warn("two");
            }),
            "");
  EXPECT_THAT(stdout_of([&] { reporter.failure(4, 2, "node2", "lost", true); }),
              HasSubstr(R"("exit_code":4,"again":true,"rank":2,"host":"node2","message":"lost")"));
}

TEST(Reporter, ReplacesTextThatIsNotUtf8) {
  const Reporter reporter(/*events=*/true, /*quiet=*/false);
  EXPECT_THAT(stdout_of([&] { reporter.log("file \xff"); }), HasSubstr("file \xef\xbf\xbd"));
}

}  // namespace
}  // namespace ringtrain
