// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/triggers.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

using Clock = CheckpointTriggers::Clock;
using std::chrono::seconds;

constexpr Clock::time_point kStart{};

CheckpointSpec every(int epochs, int64_t steps, double secs) {
  return {.every_epochs = epochs, .every_steps = steps, .every_seconds = secs};
}

TEST(ACheckpointIsDue, AtMultiplesOfEverySteps) {
  CheckpointTriggers triggers(every(0, 50, 0), 1000, 0, kStart);
  EXPECT_FALSE(triggers.due(49, kStart));
  EXPECT_TRUE(triggers.due(50, kStart));
  EXPECT_TRUE(triggers.due(53, kStart));  // it could not be made at 50
  triggers.taken(53, kStart);
  EXPECT_FALSE(triggers.due(99, kStart));
  EXPECT_TRUE(triggers.due(100, kStart));
}

TEST(ACheckpointIsDue, AtTheEndOfEpochs) {
  CheckpointTriggers triggers(every(2, 0, 0), 10, 0, kStart);
  EXPECT_FALSE(triggers.due(10, kStart));
  EXPECT_FALSE(triggers.due(19, kStart));
  EXPECT_TRUE(triggers.due(20, kStart));
}

TEST(ACheckpointIsDue, AfterSeconds) {
  CheckpointTriggers triggers(every(0, 0, 30), 10, 0, kStart);
  EXPECT_FALSE(triggers.due(1, kStart + seconds(29)));
  EXPECT_TRUE(triggers.due(1, kStart + seconds(30)));
  triggers.taken(1, kStart + seconds(31));
  EXPECT_FALSE(triggers.due(2, kStart + seconds(60)));
}

TEST(ACheckpointIsDue, WhereAResumedRunWouldHaveMadeIt) {
  const CheckpointTriggers triggers(every(1, 50, 0), 70, 60, kStart);
  EXPECT_FALSE(triggers.due(61, kStart));
  EXPECT_TRUE(triggers.due(70, kStart));
}

TEST(ACheckpointIsDue, NeverWithoutTriggers) {
  const CheckpointTriggers triggers(every(0, 0, 0), 10, 0, kStart);
  EXPECT_FALSE(triggers.any());
  EXPECT_FALSE(triggers.due(1'000'000, kStart + seconds(1'000'000)));
}

}  // namespace
}  // namespace ringtrain
