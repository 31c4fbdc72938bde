// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/canary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::serving {
namespace {

using ::testing::HasSubstr;

EvaluationFigures figures(double accuracy) {
  return {.dataset = "d", .split = "test", .samples = 100, .loss = 1, .accuracy = accuracy};
}

TEST(CanaryTest, TakesItsShareEvenly) {
  for (const uint32_t percent : {1U, 10U, 33U, 50U, 99U}) {
    uint64_t taken = 0;
    for (uint64_t i = 0; i < 1000; ++i) {
      taken += is_for_canary(i, percent) ? 1 : 0;
      EXPECT_LE(taken, (i + 1) * percent / 100);
    }
    EXPECT_EQ(taken, 10 * percent);
  }
}

TEST(CanaryTest, NeedsEvaluationsOnTheSameRowsAndIsNoWorse) {
  EXPECT_EQ(why_no_canary(figures(0.9), figures(0.9)), "");
  EXPECT_EQ(why_no_canary(figures(0.9), figures(0.95)), "");
  EXPECT_THAT(why_no_canary(figures(0.9), figures(0.89)),
              HasSubstr("accuracy 89.00% after 90.00%"));
  EXPECT_THAT(why_no_canary(std::nullopt, figures(1)),
              HasSubstr("current version has no evaluation"));
  EXPECT_THAT(why_no_canary(figures(1), std::nullopt), HasSubstr("new version has no evaluation"));
  EvaluationFigures other = figures(1);
  other.dataset = "e";
  EXPECT_THAT(why_no_canary(figures(0.5), other), HasSubstr("not evaluated on the same rows"));
}

TEST(CanaryTest, ComparesLossesWhereNothingIsRightOrWrong) {
  EvaluationFigures current{.dataset = "d", .split = "test", .samples = 1, .loss = 0.5};
  EvaluationFigures next = current;
  EXPECT_EQ(why_no_canary(current, next), "");
  next.loss = 0.6;
  EXPECT_THAT(why_no_canary(current, next), HasSubstr("loss 0.6 after 0.5"));
  next.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(why_no_canary(current, next), HasSubstr("worse"));
}

TEST(CanaryTest, IsPromotedAfterEnoughRequestsAndTakenBackAtMoreFailures) {
  const RequestCounts good{.requests = 5000, .failures = 0};
  EXPECT_EQ(judge_canary(good, {.requests = 99, .failures = 0}, 100).verdict, Verdict::wait);
  EXPECT_EQ(judge_canary(good, {.requests = 100, .failures = 0}, 100).verdict, Verdict::promote);
  EXPECT_EQ(judge_canary(good, {.requests = 5, .failures = 1}, 100).verdict, Verdict::take_back);
  const RequestCounts mixed{.requests = 100, .failures = 2};
  EXPECT_EQ(judge_canary(mixed, {.requests = 100, .failures = 2}, 100).verdict, Verdict::promote);
  EXPECT_EQ(judge_canary(mixed, {.requests = 50, .failures = 3}, 100).verdict, Verdict::take_back);
}

}  // namespace
}  // namespace ringtrain::serving
