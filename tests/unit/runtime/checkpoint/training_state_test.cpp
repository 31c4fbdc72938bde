// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/training_state.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace ringtrain {
namespace {

constexpr int64_t kStepsPerEpoch = 10;

int64_t epoch_at(int64_t step, int64_t closed_step) {
  TrainingState state;
  state.step = step;
  state.closed_step = closed_step;
  return state.epoch(kStepsPerEpoch);
}

TEST(TrainingState, IsInTheEpochOfItsNextStep) {
  EXPECT_EQ(epoch_at(0, 0), 0);
  EXPECT_EQ(epoch_at(9, 0), 0);
  EXPECT_EQ(epoch_at(10, 10), 1);
  EXPECT_EQ(epoch_at(25, 20), 2);
}

TEST(TrainingState, StaysInAnEpochUntilItIsClosed) {
  EXPECT_EQ(epoch_at(10, 0), 0);
  EXPECT_EQ(epoch_at(20, 10), 1);
}

TEST(TrainingState, StaysInAnEpochThatEndedEarlyAndContinues) { EXPECT_EQ(epoch_at(15, 15), 1); }

TEST(TrainingState, StillHasToWriteTheHistoryOfAnOpenEpoch) {
  TrainingState state;
  state.step = 10;
  EXPECT_EQ(state.first_open_step(10, 10), 10);
  EXPECT_EQ(state.first_open_step(10, 30), 1);
  state.closed_step = 10;
  EXPECT_EQ(state.first_open_step(10, 10), 11);
  EXPECT_EQ(state.first_open_step(10, 30), 11);
}

TEST(TrainingState, WritesTheHistoryAgainOfAnEpochThatEndedEarlyAndContinues) {
  TrainingState state;
  state.step = state.closed_step = 15;
  EXPECT_EQ(state.first_open_step(10, 30), 11);
  EXPECT_EQ(state.first_open_step(10, 15), 16);
}

TEST(TrainingState, KnowsTheEvaluationOfItsOwnStepAlone) {
  TrainingState state;
  state.step = state.closed_step = 10;
  state.tested = {.loss = 1, .accuracy = 0.5};
  EXPECT_TRUE(state.evaluation());
  state.step = 11;
  EXPECT_FALSE(state.evaluation());
}

TEST(TrainingState, KeepsTheErrorsOfTargets) {
  TrainingState state;
  state.tested = {.loss = 1, .rmse = std::vector{0.1, std::numeric_limits<double>::infinity()}};
  state.tested->mae = {0.5, 1.0 / 3};
  const TrainingState again = training_state_from(to_json(state));
  ASSERT_TRUE(again.tested);
  EXPECT_FALSE(again.tested->accuracy);
  EXPECT_EQ(again.tested->rmse, state.tested->rmse);
  EXPECT_EQ(again.tested->mae, state.tested->mae);
}

}  // namespace
}  // namespace ringtrain
