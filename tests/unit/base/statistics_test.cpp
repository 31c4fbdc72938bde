// SPDX-License-Identifier: Apache-2.0
#include "base/statistics.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ringtrain
