// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/gated_rounds.hpp"

#include <gtest/gtest.h>

namespace ringtrain::benchmarks {
namespace {

TEST(GatedRounds, RunAgainWhatDoesNotCount) {
  int runs = 0;
  int done = 0;
  const auto rounds = run_gated_rounds(
      3, false, [&] { return ++runs == 2 ? std::string("too short") : std::string(); },
      [&](const GatedRound&) { ++done; });
  ASSERT_EQ(rounds.size(), 4U);
  EXPECT_EQ(done, 4);
  EXPECT_EQ(rounds[1].disturbed, "too short");
  EXPECT_EQ(counted_rounds(rounds, 3), (std::vector<size_t>{0, 2, 3}));
  EXPECT_FALSE(mostly_disturbed(rounds));
}

TEST(GatedRounds, EndAfterTwiceAsManyAndCountThenAll) {
  const auto rounds = run_gated_rounds(
      2, false, [] { return std::string("never steady"); }, [](const GatedRound&) {});
  ASSERT_EQ(rounds.size(), 4U);
  EXPECT_EQ(counted_rounds(rounds, 2).size(), 4U);
  EXPECT_TRUE(mostly_disturbed(rounds));
}

TEST(GatedRounds, NameWhatTheMachineDidBeforeWhatTheContestantsDid) {
  const auto rounds = run_gated_rounds(
      1, true, [] { return std::string("too short"); }, [](const GatedRound&) {});
  ASSERT_EQ(rounds.size(), 2U);
  for (const GatedRound& round : rounds) EXPECT_TRUE(round.disturbed.ends_with("too short"));
}

TEST(GatedRounds, PickTheValuesOfSome) {
  EXPECT_EQ(pick({1, 2, 3, 4}, {0, 3}), (std::vector<double>{1, 4}));
}

}  // namespace
}  // namespace ringtrain::benchmarks
