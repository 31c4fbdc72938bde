// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step_rounds.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(PairedRatio, CancelsWhatDisturbsAWholeRound) {
  // The second round ran at half the speed.
  const PairedRatio ratio = paired_ratio({20, 11, 20, 20, 20, 22}, {10, 5, 10, 10, 10, 10});
  EXPECT_DOUBLE_EQ(ratio.median, 2);
  EXPECT_DOUBLE_EQ(ratio.interval.low, 2);
  EXPECT_DOUBLE_EQ(ratio.interval.high, 2.2);
  EXPECT_DOUBLE_EQ(ratio.p, 2.0 / 64);
  EXPECT_EQ(print(ratio), "2.000 [2.000, 2.200]");
}

TEST(PairedRatio, SaysThatFewRoundsShowNoDifference) {
  EXPECT_EQ(print(paired_ratio({2, 2}, {1, 1})), "2.000 [2.000, 2.000] ~");
}

StepRound round_with(double others, const std::string& why_not_steady = "") {
  StepRound round;
  round.noise.others = others;
  round.samples = {{.rate = 100, .why_not_steady = why_not_steady}};
  return round;
}

TEST(Rounds, CountIfNothingDisturbedThem) {
  const std::vector<Contestant> contestants = {{"ringtrain", {}}};
  EXPECT_EQ(round_with(0).why_disturbed(contestants), "");
  EXPECT_EQ(round_with(0.5, "too short").why_disturbed(contestants),
            "other processes used 50.0% of the cores, ringtrain: too short");
  const std::vector<StepRound> rounds = {round_with(0), round_with(0.5), round_with(0)};
  EXPECT_EQ(counted_rounds(rounds, contestants, 2).size(), 2U);
  EXPECT_EQ(counted_rounds(rounds, contestants, 3).size(), 3U);
}

TEST(Rounds, RunEveryContestantOnceTheFirstTwoInTurn) {
  std::vector<std::string> order;
  std::vector<Contestant> contestants;
  for (const char* name : {"a", "b", "c", "d"}) {
    contestants.push_back({name, [&order, name] {
                             order.emplace_back(name);
                             return StepSample{.rate = 1};
                           }});
  }
  int done = 0;
  const auto rounds = run_rounds(contestants, 1, [&](const StepRound&) { ++done; });
  EXPECT_EQ(static_cast<size_t>(done), rounds.size());
  ASSERT_GE(order.size(), 4U);
  EXPECT_EQ(std::vector<std::string>(order.begin(), order.begin() + 4),
            (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(order.size(), 4 * rounds.size());
  if (rounds.size() > 1) {
    EXPECT_EQ(order[4], "b");
  }
}

TEST(Rounds, KeepEveryStepOfEveryRank) {
  StepRound round = round_with(0);
  round.samples[0].steps = {{0.001, 0.0025}, {0.001}};
  const auto json = to_json(round, {{"ringtrain", {}}}, "mlp");
  EXPECT_EQ(json["kind"], "round");
  EXPECT_EQ(json["runs"][0]["step_microseconds_by_rank"].dump(), "[[1000,2500],[1000]]");
}

}  // namespace
}  // namespace ringtrain::benchmarks
