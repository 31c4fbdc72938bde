// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/factors.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(ScalingFactors, MultiplyToTheEfficiency) {
  // One rank: 100 samples/s, 80 on half the batch; two that share a machine 150; averaging: 135.
  const ScalingFactors factors = factors_of(
      {.ranks = 2, .base = {100, 50}, .alone = {80, 40}, .none = {150, 75}, .ours = {135, 67.5}});
  EXPECT_DOUBLE_EQ(factors.speedup.median, 1.35);
  EXPECT_DOUBLE_EQ(factors.efficiency.median, 0.675);
  EXPECT_DOUBLE_EQ(factors.batch.median, 0.8);
  EXPECT_DOUBLE_EQ(factors.share.median, 150.0 / 160);
  EXPECT_DOUBLE_EQ(factors.averaging.median, 0.9);
  EXPECT_DOUBLE_EQ(factors.batch.median * factors.share.median * factors.averaging.median,
                   factors.efficiency.median);
}

TEST(ScalingFactors, OfOneRankAreOne) {
  const ScalingFactors factors =
      factors_of({.ranks = 1, .base = {9}, .alone = {9}, .none = {9}, .ours = {9}});
  EXPECT_DOUBLE_EQ(factors.efficiency.median, 1);
  EXPECT_DOUBLE_EQ(factors.share.median, 1);
}

}  // namespace
}  // namespace ringtrain::benchmarks
