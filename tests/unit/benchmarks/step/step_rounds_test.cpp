// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step_rounds.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(StepRounds, RunEveryContestantOnceTheFirstTwoInTurn) {
  std::vector<std::string> order;
  std::vector<Contestant> contestants;
  for (const char* name : {"a", "b", "c", "d"}) {
    contestants.push_back({name, [&order, name] {
                             order.emplace_back(name);
                             return StepSample{.rate = 1};
                           }});
  }
  std::vector<nlohmann::ordered_json> records;
  const SampledRounds all =
      run_step_rounds(contestants, 1, "mlp",
                      [&](const nlohmann::ordered_json& record) { records.push_back(record); });
  EXPECT_EQ(records.size(), all.rounds.size());
  EXPECT_EQ(all.samples.size(), all.rounds.size());
  ASSERT_GE(order.size(), 4U);
  EXPECT_EQ(std::vector<std::string>(order.begin(), order.begin() + 4),
            (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(order.size(), 4 * all.rounds.size());
  if (all.rounds.size() > 1) {
    EXPECT_EQ(order[4], "b");
  }
}

TEST(StepRounds, DoNotCountWhereAContestantWasNotSteady) {
  const std::vector<Contestant> contestants = {
      {"ringtrain", [] { return StepSample{.rate = 1, .why_not_steady = "too short"}; }}};
  const SampledRounds all = run_step_rounds(contestants, 1, "mlp", [](const auto&) {});
  EXPECT_EQ(all.rounds.size(), 2U);
  EXPECT_TRUE(all.rounds[0].disturbed.ends_with("ringtrain: too short"));
}

TEST(StepRounds, KeepEveryStepAndTheUsageOfEveryRank) {
  StepSample sample;
  sample.steps = {{0.001, 0.0025}, {0.001}};
  sample.usage = {{.cpu_seconds = 2}, {.cpu_seconds = 1, .waits = 5}};
  const auto json = to_json(GatedRound{}, {sample}, {{"ringtrain", {}}}, "mlp");
  EXPECT_EQ(json["kind"], "round");
  EXPECT_EQ(json["runs"][0]["step_microseconds_by_rank"].dump(), "[[1000,2500],[1000]]");
  EXPECT_EQ(json["runs"][0]["usage_by_rank"][1]["waits"], 5);
}

}  // namespace
}  // namespace ringtrain::benchmarks
