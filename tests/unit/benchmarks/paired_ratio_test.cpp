// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/paired_ratio.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(PairedRatio, CancelsWhatDisturbsAWholeRound) {
  // The second round ran at half the speed.
  const PairedRatio ratio = paired_ratio({20, 11, 20, 20, 20, 22}, {10, 5, 10, 10, 10, 10});
  EXPECT_DOUBLE_EQ(ratio.median, 2);
  EXPECT_DOUBLE_EQ(ratio.interval.low, 2);
  EXPECT_DOUBLE_EQ(ratio.interval.high, 2.2);
  EXPECT_DOUBLE_EQ(ratio.p, 2.0 / 64);
  EXPECT_EQ(print(ratio), "2.000 [2.000, 2.200]");
}

TEST(PairedRatio, SaysThatFewRoundsShowNoDifference) {
  EXPECT_EQ(print(paired_ratio({2, 2}, {1, 1})), "2.000 [2.000, 2.000] ~");
}

TEST(MedianJson, HasTheIntervalAndWhatItCovers) {
  EXPECT_EQ(median_json({3, 1, 2}).dump(),
            R"({"median":2.0,"low":1.0,"high":3.0,"coverage":0.75})");
}

}  // namespace
}  // namespace ringtrain::benchmarks
