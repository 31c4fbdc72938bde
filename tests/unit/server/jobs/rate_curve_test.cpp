// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/rate_curve.hpp"

#include <gtest/gtest.h>

namespace ringtrain::server {
namespace {

// 1 ms serial, 9 ms parallel: 100, 181.8, 250, 307.7 samples a second.
double amdahl(int ranks) { return 1 / (0.001 + 0.009 / ranks); }

TEST(RateCurve, FollowsAmdahlsLawThroughTwoPoints) {
  const RateCurve curve({{1, amdahl(1)}, {2, amdahl(2)}}, {});
  for (int ranks = 1; ranks <= 64; ++ranks) EXPECT_NEAR(curve.at(ranks), amdahl(ranks), 1e-6);
  EXPECT_TRUE(curve.has(2));
  EXPECT_FALSE(curve.has(3));
}

TEST(RateCurve, HasWhatWasMeasured) {
  const RateCurve curve({{1, 100}, {2, 180}, {4, 150}}, {});
  EXPECT_EQ(curve.at(4), 150);
  EXPECT_EQ(curve.at(2), 180);
}

TEST(RateCurve, TakesOnePointForAPerfectJobUntilItIsTried) {
  const RateCurve curve({{2, 200}}, {});
  EXPECT_DOUBLE_EQ(curve.at(1), 100);
  EXPECT_DOUBLE_EQ(curve.at(4), 400);
}

TEST(RateCurve, TakesItsShapeFromSimilarJobsAndItsHeightFromItself) {
  const RateCurve curve({{1, 50}}, {{1, amdahl(1)}, {2, amdahl(2)}, {4, amdahl(4)}});
  EXPECT_NEAR(curve.at(4), 50 * amdahl(4) / amdahl(1), 3);
}

TEST(RateCurve, NeverRisesAboveThePointsOfARateThatFalls) {
  const RateCurve curve({{1, 100}, {2, 90}}, {});
  EXPECT_LE(curve.at(3), 100);
  EXPECT_GT(curve.at(3), 0);
}

TEST(RateCurve, KnowsNothingWithoutPoints) {
  EXPECT_FALSE(RateCurve({}, {}).is_known());
  EXPECT_EQ(RateCurve({}, {{0, 5}, {2, 0}}).at(3), 0);
}

}  // namespace
}  // namespace ringtrain::server
