// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/significance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(MannWhitney, GivesTheLeastProbabilityOfApartValues) {
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4}, {5, 6, 7, 8}), 2.0 / 70, 1e-12);
  EXPECT_NEAR(mann_whitney_p({9, 8, 7, 6, 5}, {1, 2, 3, 4, 0}), 2.0 / 252, 1e-12);
}

// scipy.stats.mannwhitneyu(a, b, method="exact")
TEST(MannWhitney, AgreesWithSciPy) {
  EXPECT_NEAR(mann_whitney_p({1, 3, 5, 7}, {2, 4, 6, 8}), 0.6857142857142857, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2, 4}, {3, 5, 6, 7}), 0.11428571428571428, 1e-12);
}

TEST(MannWhitney, SeesNoDifferenceBetweenEqualValues) {
  EXPECT_NEAR(mann_whitney_p({1, 1, 1}, {1, 1, 1}), 1, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2, 2, 3}, {1, 2, 2, 3}), 1, 1e-12);
  EXPECT_EQ(mann_whitney_p({}, {1}), 1);
}

TEST(MannWhitney, IsApproximatedForManyValues) {
  std::vector<double> a, b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(i);
    b.push_back(i + 100);
  }
  EXPECT_LT(mann_whitney_p(a, b), 1e-6);
  EXPECT_NEAR(mann_whitney_p(a, a), 1, 1e-9);
  EXPECT_EQ(mann_whitney_p(std::vector<double>(20, 1), std::vector<double>(20, 1)), 1);
}

TEST(Holm, MultipliesTheSmallestMost) {
  EXPECT_THAT(
      holm({0.01, 0.04, 0.03}),
      ElementsAre(DoubleNear(0.03, 1e-12), DoubleNear(0.06, 1e-12), DoubleNear(0.06, 1e-12)));
  EXPECT_THAT(holm({0.9, 0.8}), ElementsAre(1, 1));
}

}  // namespace
}  // namespace ringtrain::benchmarks
