// SPDX-License-Identifier: Apache-2.0
#include "runtime/optim/schedule.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

using Type = ScheduleSpec::Type;

TEST(Schedule, IsConstantByDefault) {
  const Schedule schedule({}, 0.1, 10, 30);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(29), 0.1);
}

TEST(Schedule, WarmsUpLinearlyToTheFullRate) {
  ScheduleSpec spec;
  spec.warmup_epochs = 0.5;
  const Schedule schedule(spec, 0.1, 10, 30);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.02);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(3), 0.08);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(4), 0.1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(5), 0.1);
}

TEST(Schedule, StepsDownAtMilestones) {
  ScheduleSpec spec;
  spec.type = Type::step;
  spec.milestones = {1, 2};
  const Schedule schedule(spec, 1, 10, 30);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(9), 1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 0.1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(20), 0.01);
}

TEST(Schedule, FallsAlongHalfACosineToTheFinalFactor) {
  ScheduleSpec spec;
  spec.type = Type::cosine;
  spec.warmup_epochs = 1;
  spec.final_factor = 0.1;
  const Schedule schedule(spec, 1, 10, 30);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(20), 0.55);
  EXPECT_NEAR(schedule.learning_rate(30), 0.1, 1e-12);
}

}  // namespace
}  // namespace ringtrain
