// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/outlook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/benchmarks/predict/example_step.hpp"

namespace ringtrain::benchmarks {
namespace {

Scenario example(int hosts) {
  Scenario scenario;
  scenario.step = example_step();
  scenario.cluster = example_cluster(hosts);
  scenario.averaging.method = Averaging::Method::ring;
  return scenario;
}

std::vector<std::string> names(const std::vector<Limit>& limits) {
  std::vector<std::string> found;
  for (const Limit& limit : limits) found.push_back(limit.name);
  return found;
}

TEST(Predict, OneRankScalesByDefinition) {
  const Prediction alone = predict(example(1));
  EXPECT_DOUBLE_EQ(alone.of_linear, 1);
  EXPECT_DOUBLE_EQ(alone.samples_per_second, 32 / example_step().seconds());
}

TEST(Predict, StragglersCostTheirLargest) {
  Scenario scenario = example(64);
  scenario.cluster.link = {};
  scenario.cluster.stragglers.random = 0.03;
  EXPECT_NEAR(predict(scenario).of_linear, 1 / (1 + 0.03 * 2.34), 0.001);
  scenario.averaging.waits = 3;
  EXPECT_NEAR(predict(scenario).of_linear, 1 / (1 + 2 * 0.03 * 2.34), 0.001);
}

TEST(Predict, WaitsForInputThatIsSlowerThanTheStep) {
  Scenario scenario = example(4);
  scenario.cluster.shared_samples_per_second = 100;
  const Prediction found = predict(scenario);
  EXPECT_NEAR(found.step_seconds, 4 * 32 / 100.0, 1e-12);
  EXPECT_NEAR(found.samples_per_second, 100, 1e-9);
  EXPECT_THAT(names(limits(scenario)), testing::Contains("input"));
}

TEST(Limits, NameTheLinkWhereItIsSlow) {
  Scenario scenario = example(8);
  scenario.cluster.link.bytes_per_second = 0.2e9;
  scenario.cluster.stragglers.random = 0.01;
  EXPECT_EQ(names(limits(scenario)).front(), "bandwidth of the link");
  scenario.cluster.link = {.bytes_per_second = 100e9, .latency = 20e-3};
  EXPECT_EQ(names(limits(scenario)).front(), "latency of the link");
  scenario.cluster.link = {};
  EXPECT_EQ(names(limits(scenario)).front(), "stragglers");
}

TEST(Limits, OfStrongScalingNameTheSmallBatch) {
  Scenario scenario = example(1);
  scenario.reference_batch = 32;
  scenario.step.other = 0.05;
  const Scenario many = with_ranks(scenario, 32, 1, true);
  EXPECT_DOUBLE_EQ(many.step.batch, 1);
  EXPECT_THAT(names(limits(many)), testing::Contains("small batch of a rank"));
}

TEST(Interval95, HoldsThePredictionAndGrowsWithErrors) {
  const Scenario scenario = example(16);
  const double seconds = predict(scenario).step_seconds;
  const Interval sure = step_interval(scenario, {});
  EXPECT_LT(sure.low, seconds);
  EXPECT_GT(sure.high, seconds);
  EXPECT_NEAR(sure.high / seconds, 1 + 1.96 * kModelError, 0.01);
  const Interval unsure = step_interval(scenario, {.compute = 0.1, .link = 0.2});
  EXPECT_GT(unsure.high - unsure.low, 1.5 * (sure.high - sure.low));
  EXPECT_EQ(step_interval(scenario, {}).high, sure.high);  // a fixed seed
}

TEST(Interval95, AllowsForHeavyTailsFarBeyondWhatWasMeasured) {
  Scenario scenario = example(64);
  scenario.cluster.stragglers.random = 0.05;
  EXPECT_GT(step_interval(scenario, {}, 64).high, 1.02 * step_interval(scenario, {}, 8).high);
}

TEST(AdviceOnASlowLink, IsFewerBytes) {
  Scenario scenario = example(8);
  scenario.cluster.link.bytes_per_second = 0.2e9;
  std::vector<std::string> changes;
  for (const Advice& found : advice(scenario)) {
    changes.push_back(found.change);
    EXPECT_GE(found.gain, 1.005);
  }
  EXPECT_EQ(changes.front(), "communication.sync_every: 8");
  EXPECT_THAT(changes, testing::Contains("communication.wire: bf16"));
}

TEST(AdviceOnAFastLink, IsNothing) {
  Scenario scenario = example(8);
  scenario.cluster.link = {};
  scenario.step.optimizer = scenario.step.other = 0;
  EXPECT_TRUE(advice(scenario).empty());
}

TEST(Knee, IsWhereMoreHostsBringLessThanHalf) {
  Scenario scenario = with_ranks(example(1), 1, 1, false);
  scenario.cluster.link = {};
  EXPECT_EQ(knee(scenario, 64), 0);
  scenario.cluster.shared_samples_per_second = 1000;  // 10 ranks use 1,016
  EXPECT_EQ(knee(scenario, 64), 10);
}

TEST(WithRanks, FillsAHostFirst) {
  const Scenario few = with_ranks(example(1), 4, 8, false);
  EXPECT_EQ(few.cluster.hosts, 1);
  EXPECT_EQ(few.cluster.node.ranks, 4);
  const Scenario many = with_ranks(example(1), 24, 8, false);
  EXPECT_EQ(many.cluster.hosts, 3);
  EXPECT_EQ(many.cluster.node.ranks, 8);
}

}  // namespace
}  // namespace ringtrain::benchmarks
