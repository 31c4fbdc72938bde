// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/length.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

datasets::DatasetIndex rows(uint64_t count) {
  datasets::DatasetIndex dataset;
  dataset.train.rows = count;
  return dataset;
}

JobSpec job(int64_t batch_size, int64_t epochs) {
  JobSpec spec;
  spec.batch_size = batch_size;
  spec.epochs = epochs;
  return spec;
}

TEST(Length, CountsTheShortLastBatchOfAnEpoch) {
  const Length length = length_of(job(32, 3), rows(65), 1);
  EXPECT_EQ(length.steps_per_epoch, 3);
  EXPECT_EQ(length.steps, 9);
}

TEST(Length, IsAtMostMaxSteps) {
  JobSpec spec = job(32, 3);
  spec.max_steps = 5;
  EXPECT_EQ(length_of(spec, rows(64), 1).steps, 5);
  spec.max_steps = 500;
  EXPECT_EQ(length_of(spec, rows(64), 1).steps, 6);
}

TEST(Length, CountsTheFirstSamplesWhereTheJobSaysSo) {
  JobSpec spec = job(32, 2);
  spec.samples = 40;
  EXPECT_EQ(length_of(spec, rows(65), 1).steps_per_epoch, 2);
  EXPECT_EQ(length_of(spec, rows(65), 1).rows, 40);
  spec.samples = 66;
  EXPECT_THAT([&] { length_of(spec, rows(65), 1); },
              ThrowsError(ErrorKind::job, HasSubstr("samples: must be at most 65")));
}

TEST(Length, EndsAnEpochWithItsLastStepAndWithTheJob) {
  JobSpec spec = job(32, 3);
  spec.max_steps = 5;
  const Length length = length_of(spec, rows(64), 1);
  EXPECT_FALSE(length.ends_epoch(1));
  EXPECT_TRUE(length.ends_epoch(2));
  EXPECT_FALSE(length.ends_epoch(3));
  EXPECT_TRUE(length.ends_epoch(5));
}

TEST(Length, KnowsThePositionInAnEpoch) {
  const Length length = length_of(job(32, 3), rows(70), 1);
  EXPECT_EQ(length.position(0, 0), 0);
  EXPECT_EQ(length.position(0, 2), 64);
  EXPECT_EQ(length.position(0, 3), 70);
  EXPECT_EQ(length.position(1, 4), 32);
}

TEST(Length, NeedsASampleAndAPlaceInTheBatchForEveryRank) {
  EXPECT_THAT([] { length_of(job(32, 1), rows(3), 4); },
              ThrowsError(ErrorKind::job, HasSubstr("only 3 training samples")));
  EXPECT_THAT([] { length_of(job(3, 1), rows(100), 4); },
              ThrowsError(ErrorKind::job, HasSubstr("cannot be shared by 4 ranks")));
}

}  // namespace
}  // namespace ringtrain
