// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/warm_rate.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "job/events.hpp"

namespace ringtrain::benchmarks {
namespace {

std::string step_after(int milliseconds, double rate) {
  StepEvent step;
  step.samples_per_second = rate;
  return print_event(step, 1, Time{} + std::chrono::milliseconds(milliseconds)) + "\n";
}

TEST(WarmRate, IsTheMedianAfterTheFirstSecond) {
  std::string events = print_event(LogEvent{.message = "before"}, 1, Time{}) + "\n";
  for (int i = 0; i < 4; ++i) events += step_after(5000 + 250 * i, 10);
  for (const double rate : {100.0, 90.0, 300.0, 110.0, 95.0}) {
    events += step_after(6000 + static_cast<int>(rate), rate) + "a line that is no event\n";
  }
  EXPECT_EQ(rate_once_warm(events), 100);
}

TEST(WarmRate, IsUnknownForAShortRun) {
  EXPECT_EQ(rate_once_warm(step_after(0, 10) + step_after(999, 20)), std::nullopt);
  EXPECT_EQ(rate_once_warm(""), std::nullopt);
}

}  // namespace
}  // namespace ringtrain::benchmarks
