// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/straggler_model.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(NormalQuantile, IsThatOfTables) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-9);
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(0.025), -1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232, 1e-6);
}

// Expected largest of n standard normal values: 0.564, 1.424, 2.343, 2.818 (Harter 1961).
TEST(LargestOf, IsCloseToTheExpectedLargest) {
  EXPECT_EQ(largest_of(1), 0);
  EXPECT_NEAR(largest_of(2), 0.564, 0.03);
  EXPECT_NEAR(largest_of(8), 1.424, 0.02);
  EXPECT_NEAR(largest_of(64), 2.343, 0.02);
  EXPECT_NEAR(largest_of(256), 2.818, 0.02);
  EXPECT_NEAR(largest_of_exponential(4), 0.5 + 1.0 / 3 + 0.25, 1e-12);
}

}  // namespace
}  // namespace ringtrain::benchmarks
