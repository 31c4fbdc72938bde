// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/training_totals.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

TEST(TrainingTotals, AverageTheLossOverTheSamplesOfAnEpoch) {
  TrainingTotals totals;
  EXPECT_EQ(totals.train_loss(), 0);
  totals.add(0, 6, 2);
  totals.add(0, 2, 2);
  EXPECT_EQ(totals.train_loss(), 2);
  totals.add(1, 5, 1);
  EXPECT_EQ(totals.train_loss(), 5);
  EXPECT_EQ(totals.samples_seen, 5);
}

}  // namespace
}  // namespace ringtrain
