// SPDX-License-Identifier: Apache-2.0
#include "base/statistics.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/mix.hpp"

namespace ringtrain {
namespace {

TEST(Statistics, TheMedianIsTheMiddleValueOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({9, 1, 4, 2}), 3);
  EXPECT_EQ(median({1e300, 1, 1, 1e300, 1}), 1);
}

// numpy.quantile([15, 20, 35, 40, 50], q)
TEST(Statistics, QuantilesAreInterpolatedAsNumPyDoes) {
  const std::vector<double> values = {40, 15, 50, 35, 20};
  EXPECT_EQ(quantile(values, 0), 15);
  EXPECT_EQ(quantile(values, 1), 50);
  EXPECT_DOUBLE_EQ(quantile(values, 0.4), 29);
  EXPECT_DOUBLE_EQ(quantile(values, 0.95), 48);
}

// Coverages by Hahn and Meeker, Statistical Intervals, section 5.2: 1 - 2^(1 - n) for the extremes.
TEST(Statistics, FewValuesSpanTheIntervalOfTheMedianWhole) {
  const Interval four = median_interval({4, 1, 3, 2});
  EXPECT_EQ(four.low, 1);
  EXPECT_EQ(four.high, 4);
  EXPECT_DOUBLE_EQ(four.coverage, 0.875);
  EXPECT_DOUBLE_EQ(median_interval({7, 6, 5, 4, 3, 2, 1}).coverage, 0.984375);
  EXPECT_EQ(median_interval({}).coverage, 0);
}

TEST(Statistics, NineValuesLeaveTheExtremesOut) {
  const Interval nine = median_interval({9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(nine.low, 2);
  EXPECT_EQ(nine.high, 8);
  EXPECT_DOUBLE_EQ(nine.coverage, 1 - 2 * 10 / 512.0);
}

TEST(Statistics, TheBootstrapCoversTheMedianAboutAsOftenAsItSays) {
  int covered = 0;
  for (uint64_t run = 0; run < 50; ++run) {
    std::vector<double> values;  // uniform, median 0.5
    for (uint64_t i = 0; i < 15; ++i) {
      values.push_back(static_cast<double>(mix(run, i) >> 11) * 0x1p-53);
    }
    const Interval interval = median_interval(values);
    covered += interval.low <= 0.5 && 0.5 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 43);
  EXPECT_LE(covered, 50);
}

TEST(Statistics, TheSignFlipTestIsExactForFewValues) {
  EXPECT_DOUBLE_EQ(sign_flip_p({1, 1, 1, 1, 1}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(sign_flip_p({1, 2, 3, 4, 5, 6}), 2.0 / 64);
  EXPECT_DOUBLE_EQ(sign_flip_p({1, -1}), 1);
  // The 8 sums are 4, 6, 0, 2 and their opposites: 4 of them are as far from 0 as 4.
  EXPECT_DOUBLE_EQ(sign_flip_p({-1, 2, 3}), 4.0 / 8);
  EXPECT_EQ(sign_flip_p({}), 1);
}

TEST(Statistics, TheSignFlipTestDrawsForManyValues) {
  std::vector<double> values(40, 1.0);
  EXPECT_DOUBLE_EQ(sign_flip_p(values), 1 / 100001.0);
  for (size_t i = 0; i < 40; i += 2) values[i] = -1;
  EXPECT_EQ(sign_flip_p(values), 1);
}

}  // namespace
}  // namespace ringtrain
