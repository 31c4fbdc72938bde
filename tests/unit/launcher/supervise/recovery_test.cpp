// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/recovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const Recovery::Clock::time_point kStart{};  // NOLINT(cert-err58-cpp)

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

CheckpointEvent checkpoint(int64_t step) {
  CheckpointEvent event;
  event.step = step;
  return event;
}

TEST(Recovery, CountsWhatIsDoneAgain) {
  Recovery recovery(32);
  recovery.on_event(from(0), kStart);
  recovery.on_event(checkpoint(100), kStart + seconds(10));
  recovery.on_event(at(140), kStart + seconds(14));
  EXPECT_FALSE(recovery.summary());
  EXPECT_TRUE(recovery.lost("rank 1 was ended", kStart + seconds(15)));
  EXPECT_EQ(recovery.saved_step(), 100);
  recovery.on_event(from(100), kStart + seconds(17));
  EXPECT_FALSE(recovery.on_event(at(120), kStart + seconds(19)));
  const auto line = recovery.on_event(at(150), kStart + seconds(22));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("step 140"));
  const auto summary = recovery.summary();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->samples_replayed, 40 * 32);
  EXPECT_EQ(summary->seconds_lost, 8.0);
  EXPECT_EQ(summary->restarts, 1);
}

TEST(Recovery, CountsALossBehindTheLastStep) {
  Recovery recovery(32);
  recovery.on_event(at(140), kStart);
  recovery.on_event(checkpoint(140), kStart + seconds(1));
  recovery.lost("rank 1 was ended", kStart + seconds(2));
  recovery.on_event(from(140), kStart + seconds(4));
  EXPECT_TRUE(recovery.on_event(ResultEvent{}, kStart + seconds(5)));
  const auto summary = recovery.summary();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->seconds_lost, 5.0);
  EXPECT_EQ(summary->samples_replayed, 0);
}

TEST(Recovery, ProgressIsANewerCheckpoint) {
  Recovery recovery(32);
  recovery.on_event(at(140), kStart);
  EXPECT_FALSE(recovery.lost("a", kStart));
  recovery.on_event(checkpoint(150), kStart);
  EXPECT_TRUE(recovery.lost("b", kStart));
  recovery.on_event(checkpoint(150), kStart);
  EXPECT_FALSE(recovery.lost("c", kStart));
}

}  // namespace
}  // namespace ringtrain::launcher
