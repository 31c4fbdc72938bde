// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/hang_detector.hpp"

#include <gtest/gtest.h>

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;

const HangDetector::TimePoint kStart{};  // NOLINT(cert-err58-cpp)

TEST(HangDetector, IsTwentyMedianStepsButTenSecondsAtLeast) {
  HangDetector detector(kStart, seconds(300));
  EXPECT_EQ(detector.deadline(), kStart + seconds(300));
  detector.step(1, kStart + seconds(50));
  detector.step(11, kStart + seconds(51));  // 0.1 s each
  EXPECT_EQ(detector.deadline(), kStart + seconds(61));
  for (int i = 1; i <= 5; ++i) detector.step(11 + i, kStart + seconds(51 + 3 * i));
  EXPECT_EQ(detector.deadline(), kStart + seconds(66 + 60));
}

TEST(HangDetector, KnowsAStepFromTheFirstOneOn) {
  HangDetector detector(kStart, seconds(300));
  detector.started(40, kStart + seconds(10));
  EXPECT_EQ(detector.deadline(), kStart + seconds(310));
  detector.step(42, kStart + seconds(12));
  EXPECT_EQ(detector.deadline(), kStart + seconds(12 + 20));
}

TEST(HangDetector, CountsTheBatchesOfAnEvaluation) {
  HangDetector detector(kStart, seconds(300));
  detector.step(1, kStart);
  detector.step(2, kStart + seconds(1));
  detector.evaluation(100, kStart + seconds(1));
  EXPECT_EQ(detector.deadline(), kStart + seconds(1 + 20 + 500));
  detector.step(2, kStart + seconds(90));
  EXPECT_EQ(detector.deadline(), kStart + seconds(90 + 20));
}

TEST(HangDetector, WaitsLongForTheModelToBeSaved) {
  HangDetector detector(kStart, seconds(300));
  detector.step(1, kStart);
  detector.saving(kStart + seconds(1));
  EXPECT_EQ(detector.deadline(), kStart + seconds(301));
  EXPECT_EQ(detector.reported_at(), kStart + seconds(1));
}

}  // namespace
}  // namespace ringtrain::launcher
