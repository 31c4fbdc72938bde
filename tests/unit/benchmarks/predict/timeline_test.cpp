// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/timeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "benchmarks/predict/sum_cost.hpp"
#include "tests/unit/benchmarks/predict/example_step.hpp"

namespace ringtrain::benchmarks {
namespace {

const Averaging kRing = {.method = Averaging::Method::ring};

TEST(StepTimeline, OfOneRankIsItsOwnStep) {
  const StepTimeline timeline = step_timeline(example_step(), {}, {});
  EXPECT_DOUBLE_EQ(timeline.end, example_step().seconds());
  EXPECT_NEAR(timeline.exposed, 0, 1e-12);
}

TEST(StepTimeline, BucketsWaitForTheirGradientsAndForTheSumBefore) {
  const Cluster cluster = example_cluster(4);
  const StepProfile step = example_step();
  const StepTimeline timeline = step_timeline(step, cluster, kRing);
  const double sum = all_reduce_seconds(cluster, kRing, 10e6);
  EXPECT_NEAR(sum, 6 * 100e-6 + 2 * 0.75 * 10e6 / 1e9, 1e-12);
  double free = 0;
  for (size_t k = 0; k < step.buckets.size(); ++k) {
    free = std::max(free, step.forward + step.buckets[k].ready) + sum;
    EXPECT_NEAR(timeline.summed[k], free, 1e-12) << k;
  }
  // The agreement on the loss is queued behind the sums.
  EXPECT_NEAR(timeline.agreed, free + 2 * 100e-6, 1e-12);
  EXPECT_NEAR(timeline.end, timeline.agreed + step.optimizer + step.other, 1e-12);
  EXPECT_NEAR(timeline.exposed, timeline.agreed - 0.3, 1e-12);
}

TEST(StepTimeline, OnlyTheLastBucketIsExposedWhereTheLinkIsFast) {
  Cluster cluster = example_cluster(2);
  cluster.link = {.bytes_per_second = 10e9};
  const StepTimeline timeline = step_timeline(example_step(), cluster, kRing);
  EXPECT_NEAR(timeline.exposed, 10e6 / 10e9, 1e-9);
}

TEST(StepTimeline, RanksOfAHostSumAfterTheBackwardPassAndDivideTheUpdate) {
  Cluster cluster;
  cluster.node = {.ranks = 4, .sum_bytes_per_second = 10e9};
  const StepProfile step = example_step();
  const StepTimeline timeline = step_timeline(step, cluster, {});
  const double sums = 5 * 100e6 / 10e9;
  EXPECT_NEAR(timeline.end, 0.3 + sums + step.optimizer / 4 + step.other, 1e-12);
  EXPECT_NEAR(timeline.exposed, sums, 1e-12);
}

TEST(StepTimeline, ShardedOptimizerGathersAfterTheUpdate) {
  const Cluster cluster = example_cluster(4);
  Averaging sharded = kRing;
  sharded.shard_optimizer = true;
  const StepTimeline timeline = step_timeline(example_step(), cluster, sharded);
  const double half = 10 * (3 * 100e-6 + 0.75 * 10e6 / 1e9);
  EXPECT_NEAR(timeline.end, timeline.updated + half + 0.005, 1e-9);
  EXPECT_NEAR(timeline.updated - timeline.agreed, 0.01 / 4, 1e-12);
}

TEST(StepTimeline, LocalSgdPaysForItsMeanEverySoManySteps) {
  const Cluster cluster = example_cluster(4);
  Averaging local = kRing;
  local.sync_every = 10;
  const StepTimeline timeline = step_timeline(example_step(), cluster, local);
  const double mean = 2 * 10 * all_reduce_seconds(cluster, kRing, 10e6);
  EXPECT_NEAR(timeline.exposed, (mean + 200e-6) / 10, 1e-12);
}

TEST(StepTimeline, InterferenceSlowsTheBackwardPassWhileSumsAreUnderWay) {
  Cluster cluster = example_cluster(2);
  const double free = step_timeline(example_step(), cluster, kRing).backward_end;
  cluster.interference = 0.2;
  const double slowed = step_timeline(example_step(), cluster, kRing).backward_end;
  EXPECT_GT(slowed, free * 1.01);
  EXPECT_LT(slowed, 0.1 + 0.2 * 1.2);
}

TEST(Sharing, GrowsWithEachRankAndTakesTurnsBeyondTheCores) {
  Node node = {.ranks = 3, .cores = 0, .measured_ranks = 2, .slowdown = 1.1};
  EXPECT_DOUBLE_EQ(sharing_slowdown(node), 1.2);
  node.cores = 2;
  EXPECT_DOUBLE_EQ(sharing_slowdown(node), 2.4);
  node.ranks = 1;
  EXPECT_DOUBLE_EQ(sharing_slowdown(node), 1);
}

TEST(Buckets, AreCutAsTheRuntimeCutsThem) {
  constexpr double kMiB = 1024 * 1024;
  const std::vector<double> sizes = bucket_sizes(10 * kMiB, 4 * kMiB);
  EXPECT_EQ(sizes, (std::vector<double>{4 * kMiB, 4 * kMiB, 1.5 * kMiB, 0.5 * kMiB}));
  EXPECT_EQ(bucket_sizes(1000, 4 * kMiB), std::vector<double>{1000});
}

TEST(Buckets, OtherSizesKeepTheOrderOfTheGradients) {
  const StepProfile step = example_step();
  const StepProfile cut = step.with_buckets(25e6);
  EXPECT_NEAR(cut.gradient_bytes(), step.gradient_bytes(), 1);
  double end = 0;
  for (const Bucket& bucket : cut.buckets) {
    end += bucket.bytes;
    EXPECT_NEAR(bucket.ready, step.backward * end / 100e6, 1e-9);
  }
}

}  // namespace
}  // namespace ringtrain::benchmarks
