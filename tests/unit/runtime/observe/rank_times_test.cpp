// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/rank_times.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringtrain {
namespace {

using std::chrono::milliseconds;
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

RanksEvent after(int64_t step, double communication, double data) {
  return {.step = step, .seconds = {.exposed_communication = communication, .data_wait = data}};
}

TEST(RankTimes, AreDueASecondAfterTheStartAndEveryTen) {
  const RankTimes::Clock::time_point start{};
  RankTimes times;
  Stragglers ranks(0, {"a", "b"});
  times.start(start);
  EXPECT_FALSE(times.is_due(start + milliseconds(999)));
  EXPECT_TRUE(times.is_due(start + seconds(1)));
  times.take({}, ranks, start + seconds(1));
  EXPECT_FALSE(times.is_due(start + seconds(10)));
  EXPECT_TRUE(times.is_due(start + seconds(11)));
}

TEST(RankTimes, SayWhatIsNewSinceTheLastOnes) {
  const RankTimes::Clock::time_point start{};
  RankTimes times;
  Stragglers ranks(0, {"a", "b"});
  times.start(start);
  sum_a_window(ranks, 16);
  const RanksEvent first = times.take(after(20, 2, 1), ranks, start + seconds(10));
  EXPECT_EQ(first.step, 20);
  EXPECT_EQ(first.step_seconds, (std::vector<double>{1, 2}));
  EXPECT_DOUBLE_EQ(first.communication_share, 0.2);
  EXPECT_DOUBLE_EQ(first.data_share, 0.1);
  EXPECT_DOUBLE_EQ(first.seconds.data_wait, 1) << "since the start";
  const RanksEvent next = times.take(after(40, 7, 1), ranks, start + seconds(30));
  EXPECT_TRUE(next.step_seconds.empty()) << "no times since then";
  EXPECT_DOUBLE_EQ(next.communication_share, 0.25) << "over the 20 s since the last one";
  EXPECT_DOUBLE_EQ(next.data_share, 0);
}

TEST(RankTimes, AreOfASingleRankAsWell) {
  RankTimes times;
  Stragglers alone(0, {"a"});
  alone.start(0, 0);
  SumSlots slots;
  alone.add_slots(16, 16, slots);
  alone.read_slots(slots);
  EXPECT_EQ(times.take({.step = 16}, alone).step_seconds, std::vector<double>{1});
}

}  // namespace
}  // namespace ringtrain
