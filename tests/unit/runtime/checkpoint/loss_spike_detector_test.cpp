// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/loss_spike_detector.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ringtrain {
namespace {

RollbackSpec spec(double factor, int window) {
  return {.factor = factor, .window = window, .limit = 3};
}

// A detector and the losses that a run keeps for it.
struct Watched {
  explicit Watched(const RollbackSpec& of) : detector(of) {}
  bool is_spike(double loss) { return detector.is_spike(loss, losses); }

  LossSpikeDetector detector;
  std::vector<double> losses;
};

TEST(LossSpikeDetector, WaitsForAFullWindow) {
  Watched watch(spec(2, 3));
  EXPECT_FALSE(watch.is_spike(1));
  EXPECT_FALSE(watch.is_spike(100));
  EXPECT_FALSE(watch.is_spike(1));
  EXPECT_TRUE(watch.is_spike(2.1));
}

TEST(LossSpikeDetector, ComparesWithTheMedianSoThatOneOutlierCountsLittle) {
  Watched watch(spec(2, 5));
  for (const double loss : {1.0, 1.0, 50.0, 1.0, 1.0}) EXPECT_FALSE(watch.is_spike(loss));
  EXPECT_FALSE(watch.is_spike(2));
  EXPECT_TRUE(watch.is_spike(3));
}

TEST(LossSpikeDetector, ForgetsSpikesAndFollowsTheLoss) {
  Watched watch(spec(2, 3));
  for (const double loss : {1.0, 1.0, 1.0}) watch.is_spike(loss);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(watch.is_spike(10));
  for (const double loss : {1.9, 1.9, 3.5, 3.5}) EXPECT_FALSE(watch.is_spike(loss));
  EXPECT_EQ(watch.losses, (std::vector<double>{1.9, 3.5, 3.5}));
}

TEST(LossSpikeDetector, TakesNanForASpike) {
  Watched watch(spec(2, 3));
  for (const double loss : {1.0, 1.0, 1.0}) watch.is_spike(loss);
  EXPECT_TRUE(watch.is_spike(std::nan("")));
}

TEST(LossSpikeDetector, ContinuesFromTheLossesOfACheckpointWithALongerWindow) {
  Watched watch(spec(2, 3));
  watch.losses = {9, 1, 1, 1};
  EXPECT_TRUE(watch.is_spike(2.5));
  EXPECT_EQ(watch.losses, (std::vector<double>{1, 1, 1}));
}

TEST(LossSpikeDetector, IsOffByDefault) {
  Watched watch(RollbackSpec{});
  EXPECT_FALSE(watch.detector.enabled());
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(watch.is_spike(std::pow(2, i)));
}

}  // namespace
}  // namespace ringtrain
