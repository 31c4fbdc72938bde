// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/recovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/supervise/hang_detector.hpp"
#include "launcher/supervise/host_gatherer.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const Patience::Clock::time_point start{};  // NOLINT(cert-err58-cpp)

TEST(Patience, IsTwentyMedianStepsButTenSecondsAtLeast) {
  Patience patience(start, seconds(300));
  EXPECT_EQ(patience.deadline(), start + seconds(300));
  patience.step(1, start + seconds(50));
  patience.step(11, start + seconds(51));  // 0.1 s each
  EXPECT_EQ(patience.deadline(), start + seconds(61));
  for (int i = 1; i <= 5; ++i) patience.step(11 + i, start + seconds(51 + 3 * i));
  EXPECT_EQ(patience.deadline(), start + seconds(66 + 60));
}

TEST(Patience, KnowsAStepFromTheFirstOneOn) {
  Patience patience(start, seconds(300));
  patience.started(40, start + seconds(10));
  EXPECT_EQ(patience.deadline(), start + seconds(310));
  patience.step(42, start + seconds(12));
  EXPECT_EQ(patience.deadline(), start + seconds(12 + 20));
}

TEST(Patience, CountsTheBatchesOfAnEvaluation) {
  Patience patience(start, seconds(300));
  patience.step(1, start);
  patience.step(2, start + seconds(1));
  patience.evaluation(100, start + seconds(1));
  EXPECT_EQ(patience.deadline(), start + seconds(1 + 20 + 500));
  patience.step(2, start + seconds(90));
  EXPECT_EQ(patience.deadline(), start + seconds(90 + 20));
}

StartedEvent from(int64_t step) {
  StartedEvent started;
  started.from_step = step;
  return started;
}

StepEvent at(int64_t step) {
  StepEvent event;
  event.step = step;
  return event;
}

TEST(Recovery, CountsWhatIsDoneAgain) {
  Recovery recovery(32);
  recovery.on_event(from(0), start);
  recovery.on_event(CheckpointEvent{100}, start + seconds(10));
  recovery.on_event(at(140), start + seconds(14));
  EXPECT_FALSE(recovery.summary());
  EXPECT_TRUE(recovery.lost("rank 1 was ended", start + seconds(15)));
  EXPECT_EQ(recovery.saved_step(), 100);
  recovery.on_event(from(100), start + seconds(17));
  EXPECT_FALSE(recovery.on_event(at(120), start + seconds(19)));
  const auto line = recovery.on_event(at(150), start + seconds(22));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("step 140"));
  const auto summary = recovery.summary();
  ASSERT_TRUE(summary);
  EXPECT_EQ((*summary)["samples_replayed"], 40 * 32);
  EXPECT_EQ((*summary)["seconds_lost"], 8.0);
  EXPECT_EQ((*summary)["restarts"], 1);
}

TEST(Recovery, ProgressIsANewerCheckpoint) {
  Recovery recovery(32);
  recovery.on_event(at(140), start);
  EXPECT_FALSE(recovery.lost("a", start));
  recovery.on_event(CheckpointEvent{150}, start);
  EXPECT_TRUE(recovery.lost("b", start));
  recovery.on_event(CheckpointEvent{150}, start);
  EXPECT_FALSE(recovery.lost("c", start));
}

TEST(RankRange, IsAsStartedWhereTheJobDoesNotSay) {
  RankRange range{.started = 4, .workers = {}};
  EXPECT_EQ(range.least(), 4);
  EXPECT_EQ(range.most(8), 4);
  EXPECT_EQ(range.most(3), 3);
  range.workers = {.min = 2, .max = 6};
  EXPECT_EQ(range.least(), 2);
  EXPECT_EQ(range.most(8), 6);
}

}  // namespace
}  // namespace ringtrain::launcher
