// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/sum_cost.hpp"

#include <gtest/gtest.h>

#include "tests/unit/benchmarks/predict/example_step.hpp"

namespace ringtrain::benchmarks {
namespace {

using Method = Averaging::Method;
constexpr double kBytes = 64e6;

TEST(SumCost, TwoHostsSendAsMuchEitherWayAndDirectlyWaitOnce) {
  const Cluster two = example_cluster(2);
  const double direct = all_reduce_seconds(two, {.method = Method::direct}, kBytes);
  const double ring = all_reduce_seconds(two, {.method = Method::ring}, kBytes);
  EXPECT_NEAR(ring - direct, 100e-6, 1e-12);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(two, {}, kBytes), direct);
}

TEST(SumCost, AutomaticIsTheFasterOne) {
  const Cluster many = example_cluster(16);
  for (const double bytes : {1e3, 1e5, 1e7}) {
    const double direct = all_reduce_seconds(many, {.method = Method::direct}, bytes);
    const double ring = all_reduce_seconds(many, {.method = Method::ring}, bytes);
    EXPECT_DOUBLE_EQ(all_reduce_seconds(many, {}, bytes), std::min(direct, ring)) << bytes;
  }
}

TEST(SumCost, Bf16SendsHalfTheBytesAfterTwoLatencies) {
  const Cluster four = example_cluster(4);
  EXPECT_NEAR(all_reduce_seconds(four, {.bf16 = true}, kBytes),
              2 * 100e-6 + 2 * 0.75 * kBytes / 2 / 1e9, 1e-12);
}

TEST(SumCost, HalvesAddUp) {
  const Cluster four = example_cluster(4);
  const Averaging sharded = {.method = Method::ring, .shard_optimizer = true};
  const SumHalves halves = half_seconds(four, sharded, kBytes);
  EXPECT_NEAR(halves.reduce_scatter + halves.all_gather,
              all_reduce_seconds(four, {.method = Method::ring}, kBytes), 1e-12);
}

TEST(SumCost, RanksOfAHostSendTogetherWhatOneWouldSend) {
  Cluster one = example_cluster(4), many = example_cluster(4);
  many.node.ranks = 8;
  const Averaging ring = {.method = Method::ring};
  EXPECT_DOUBLE_EQ(all_reduce_seconds(one, ring, kBytes), all_reduce_seconds(many, ring, kBytes));
}

TEST(SumCost, TheBusiestParameterServerLimits) {
  const Cluster eight = example_cluster(8);
  const Averaging all = {.method = Method::parameter_servers};
  Averaging half = all;
  half.servers = 4;
  EXPECT_NEAR(half_seconds(eight, all, kBytes).all_gather, 100e-6 + kBytes * 7 / 8 / 1e9, 1e-12);
  EXPECT_NEAR(half_seconds(eight, half, kBytes).all_gather, 100e-6 + kBytes * 7 / 4 / 1e9, 1e-12);
}

TEST(SumCost, MeasuredSumsAreMetAndPowerLawsBetweenThem) {
  Node node = {.ranks = 2, .sum_ranks = 2, .sums = {{1e4, 1e-6}, {1e6, 1e-4}}};
  EXPECT_DOUBLE_EQ(node_sum_seconds(node, 1e4), 1e-6);
  EXPECT_NEAR(node_sum_seconds(node, 1e5), 1e-5, 1e-12);
  EXPECT_NEAR(node_sum_seconds(node, 1e7), 1e-3, 1e-12);
  EXPECT_DOUBLE_EQ(node_sum_seconds(node, 10), 1e-6);
  node.ranks = 5;  // reads 5 arrays and writes one, instead of 2 and one
  EXPECT_NEAR(node_sum_seconds(node, 1e5), 2e-5, 1e-12);
}

// 25 MiB on hosts of 8 H100 with 370 GB/s inside and 360 GB/s between them, from the constants of
// NCCL's src/graph/tuning.cc.
TEST(SumCost, NcclChoosesTreesOnManyHosts) {
  Cluster cluster = example_cluster(1);
  cluster.node.ranks = 8;
  cluster.link.bytes_per_second = 360e9;
  constexpr double kMessage = 25 * 1024 * 1024;
  EXPECT_NEAR(nccl_seconds(cluster, 370e9, kMessage), 0.17e-3, 0.01e-3);
  cluster.hosts = 8;
  EXPECT_NEAR(nccl_seconds(cluster, 370e9, kMessage), 0.24e-3, 0.015e-3);
  cluster.hosts = 32;
  EXPECT_NEAR(nccl_seconds(cluster, 370e9, kMessage), 0.28e-3, 0.015e-3);
}

}  // namespace
}  // namespace ringtrain::benchmarks
