// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/rank_times.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringtrain {
namespace {

using std::chrono::seconds;

// One window of 16 steps, as rank 0 of two sees it: 16 and 32 seconds.
void sum_a_window(Stragglers& ranks, int64_t step) {
  ranks.start(step - 16, 0);
  SumSlots slots;
  ranks.add_slots(step, 16, slots);
  ASSERT_EQ(slots.values().size(), 2u);
  slots.values()[1] = 32;
  ranks.read_slots(slots);
}

TEST(RankTimes, AreReportedEveryTenSeconds) {
  const RankTimes::Clock::time_point start{};
  RankTimes times(start);
  Stragglers ranks(0, {"a", "b"});
  sum_a_window(ranks, 16);
  EXPECT_FALSE(times.take(16, ranks, {1, 0.5}, start + seconds(9)));
  const auto first = times.take(20, ranks, {.communication = 2, .data = 1}, start + seconds(10));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->step, 20);
  EXPECT_EQ(first->step_seconds, (std::vector<double>{1, 2}));
  EXPECT_DOUBLE_EQ(first->communication_share, 0.2);
  EXPECT_DOUBLE_EQ(first->data_share, 0.1);
  EXPECT_FALSE(times.take(40, ranks, {2, 1}, start + seconds(20))) << "no times since then";
  sum_a_window(ranks, 48);
  const auto next = times.take(50, ranks, {.communication = 7, .data = 1}, start + seconds(30));
  ASSERT_TRUE(next);
  EXPECT_DOUBLE_EQ(next->communication_share, 0.25) << "over the 20 s since the last one";
  EXPECT_DOUBLE_EQ(next->data_share, 0);
}

TEST(RankTimes, OfOneRankAreNoNews) {
  Stragglers alone(0, {"a"});
  const RankTimes::Clock::time_point start{};
  EXPECT_FALSE(RankTimes(start).take(1, alone, {}, start + seconds(60)));
}

}  // namespace
}  // namespace ringtrain
