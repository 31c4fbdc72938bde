// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringtrain::benchmarks {
namespace {

TEST(ScalingPlan, RunsNothingTwice) {
  const ScalingPlan plan = plan_scaling({1, 2}, {"strong", "weak"}, 128);
  ASSERT_EQ(plan.points.size(), 4U);
  // 1 rank on 128 and on 64; 2 ranks on 128 and on 256, each with and without averaging.
  EXPECT_EQ(plan.runs.size(), 6U);
  const ScalingPoint& strong = plan.points[1];
  EXPECT_EQ(strong.global_batch, 128);
  EXPECT_EQ(plan.runs[strong.alone], (ScalingRun{1, 64, true}));
  EXPECT_EQ(plan.runs[strong.none], (ScalingRun{2, 128, false}));
  const ScalingPoint& weak = plan.points[3];
  EXPECT_EQ(weak.global_batch, 256);
  EXPECT_EQ(weak.alone, weak.base);
}

TEST(ScalingPlan, ComparesARankWithItselfAlone) {
  const ScalingPlan plan = plan_scaling({1}, {"strong"}, 128);
  EXPECT_EQ(plan.runs.size(), 1U);
  EXPECT_EQ(plan.points[0].none, plan.points[0].ours);
}

TEST(ScalingPlan, TakesTheFullestRankOfABatchThatIsNotDivided) {
  const ScalingPlan plan = plan_scaling({3}, {"strong"}, 128);
  EXPECT_EQ(plan.runs[plan.points[0].alone].global_batch, 43);
}

TEST(ScalingPlan, OrdersEachRoundAnew) {
  std::vector<size_t> first = order_of_runs(6, 0);
  EXPECT_EQ(first, order_of_runs(6, 0));
  EXPECT_NE(first, order_of_runs(6, 1));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<size_t>{0, 1, 2, 3, 4, 5}));
}

TEST(ScalingPlan, NamesItsRuns) {
  EXPECT_EQ(name_of({1, 128, true}), "1 rank, batch 128");
  EXPECT_EQ(name_of({2, 64, false}), "2 ranks, batch 64, no averaging");
}

}  // namespace
}  // namespace ringtrain::benchmarks
