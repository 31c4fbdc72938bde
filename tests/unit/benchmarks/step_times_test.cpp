// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step_times.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/mix.hpp"

namespace ringtrain::benchmarks {
namespace {

// Steps of 10 ms that vary by up to 1 ms.
StepSeconds noisy(size_t count) {
  StepSeconds steps;
  for (uint64_t i = 0; i < count; ++i) {
    steps.push_back(0.010 + static_cast<double>(mix(i) >> 11) * 0x1p-53 * 0.001);
  }
  return steps;
}

TEST(SteadySteps, LoseAlwaysTheFirstThree) {
  const SteadySteps steady = steady_steps(noisy(203));
  EXPECT_GE(steady.dropped, 3U);
  EXPECT_LE(steady.dropped, 103U);
  EXPECT_EQ(steady.steps.size(), 203 - steady.dropped);
  EXPECT_EQ(steady.why_not_steady, "");
  EXPECT_NEAR(steady.steps_per_second(), 1 / 0.0105, 1);
}

TEST(SteadySteps, LoseASlowStart) {
  StepSeconds steps = noisy(200);
  for (size_t i = 0; i < 40; ++i) steps[i] *= 3;
  const SteadySteps steady = steady_steps(steps);
  EXPECT_GE(steady.dropped, 40U);
  EXPECT_LE(steady.dropped, 100U);
  EXPECT_EQ(steady.why_not_steady, "");
}

TEST(SteadySteps, SayIfMostOfTheRunWasWarmUp) {
  StepSeconds steps = noisy(200);
  for (size_t i = 0; i < 150; ++i) steps[i] *= 3;
  EXPECT_NE(steady_steps(steps).why_not_steady.find("only after"), std::string::npos);
}

TEST(SteadySteps, SayIfStepsBecomeSlowerAndSlower) {
  StepSeconds steps = noisy(400);
  for (size_t i = 0; i < steps.size(); ++i) steps[i] *= 1 + static_cast<double>(i) * 1e-3;
  EXPECT_NE(steady_steps(steps).why_not_steady, "");
}

TEST(SteadySteps, MayBeNone) {
  EXPECT_EQ(steady_steps({}).steps_per_second(), 0);
  EXPECT_EQ(steady_steps({1, 1}).steps_per_second(), 0);
  EXPECT_EQ(steady_steps({9, 9, 9, 0.5}).steps_per_second(), 2);
}

TEST(StepTimes, AreSummedUpByQuantilesAndJitter) {
  const auto json = summary({0.001, 0.002, 0.003, 0.004, 0.1});
  EXPECT_DOUBLE_EQ(json["p50_ms"].get<double>(), 3);
  EXPECT_DOUBLE_EQ(json["jitter_ms"].get<double>(), 1.4826);
  EXPECT_GT(json["p99_ms"].get<double>(), 90);
}

}  // namespace
}  // namespace ringtrain::benchmarks
