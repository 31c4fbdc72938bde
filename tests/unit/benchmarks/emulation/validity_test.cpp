// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/validity.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

EmulatedRun run_at(double dilation, double step) {
  return {.ranks = 64, .dilation = dilation, .step_seconds = {step, step, step}};
}

TEST(Validity, NeedsHalfOfTheCoresToBeIdle) {
  EmulatedRun run = run_at(1, 0.1);
  EXPECT_EQ(why_void(run), "");
  run.cpu_share = 0.51;
  EXPECT_EQ(why_void(run), "cores were busy for 51% of the time at dilation 1");
}

TEST(Validity, NeedsRanksThatFindACore) {
  EmulatedRun run = run_at(4, 0.1);
  run.core_wait_share = 0.025;
  EXPECT_EQ(why_void(run), "ranks waited for cores for 2.5% of the time at dilation 4");
}

TEST(Validity, NeedsAStepThatDoesNotDependOnTheDilation) {
  EXPECT_EQ(why_void(run_at(4, 0.104), run_at(8, 0.1)), "");
  EXPECT_EQ(why_void(run_at(4, 0.106), run_at(8, 0.1)),
            "the step at dilation 4 differs by 6.0% from that at 8");
  EmulatedRun busy = run_at(8, 0.1);
  busy.cpu_share = 0.9;
  EXPECT_EQ(why_void(run_at(4, 0.1), busy), "cores were busy for 90% of the time at dilation 8");
}

}  // namespace
}  // namespace ringtrain::benchmarks
