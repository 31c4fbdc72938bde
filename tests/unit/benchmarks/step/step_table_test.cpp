// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step_table.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

StepSample sample(double rate, double cpu_seconds) {
  return {.rate = rate,
          .steps = {StepSeconds(100, 0.01), StepSeconds(100, 0.01)},
          .usage = {{.cpu_seconds = cpu_seconds}, {.cpu_seconds = cpu_seconds}}};
}

// Three rounds with near cores, in which averaging costs a tenth, and three with far ones.
SampledRounds six_rounds() {
  SampledRounds all;
  for (int i = 0; i < 6; ++i) {
    GatedRound round;
    round.noise.core_distance_ns = i < 3 ? 30 : 180;
    all.rounds.push_back(round);
    all.samples.push_back({sample(i < 3 ? 90 : 50, 1), sample(100, 0.9)});
  }
  return all;
}

nlohmann::ordered_json table_of(const SampledRounds& all) {
  StepOptions options;
  options.rounds = 6;
  return step_table(all, {{kOurs, {}}, {kAlone, {}}}, options, "mlp");
}

TEST(StepTable, SplitsRatiosByTheDistanceOfTheCores) {
  const auto table = table_of(six_rounds());
  EXPECT_EQ(table["far_rounds"], 3);
  const auto& alone = table["rows"][1];
  EXPECT_DOUBLE_EQ(alone["near"]["median"].get<double>(), 0.9);
  EXPECT_DOUBLE_EQ(alone["far"]["median"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(alone["ringtrain_over_it"]["median"].get<double>(), 0.7);
}

TEST(StepTable, DoesNotSplitWhereAllRoundsWereAlike) {
  SampledRounds all = six_rounds();
  for (GatedRound& round : all.rounds) round.noise.core_distance_ns = 30;
  const auto table = table_of(all);
  EXPECT_FALSE(table["rows"][1].contains("near"));
}

TEST(StepTable, HasTheProcessorTimeOfAStepOfAllRanks) {
  const auto table = table_of(six_rounds());
  EXPECT_DOUBLE_EQ(table["rows"][0]["cpu_ms_of_step"]["median"].get<double>(), 20);
  EXPECT_DOUBLE_EQ(table["rows"][1]["cpu_ms_of_step"]["median"].get<double>(), 18);
}

}  // namespace
}  // namespace ringtrain::benchmarks
