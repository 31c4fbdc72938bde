// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/backfill.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Backfill, InOrderWhileTheyFit) {
  EXPECT_THAT(choose_starts({{2}, {1}, {1}}, {}, 4).start, ElementsAre(0, 1, 2));
  EXPECT_THAT(choose_starts({}, {}, 4).start, IsEmpty());
}

TEST(Backfill, NobodyPassesWhereTheEndOfARunningJobIsNotKnown) {
  const QueueDecision decision = choose_starts({{4}, {1, 10}}, {{2}}, 4);
  EXPECT_THAT(decision.start, IsEmpty());
  EXPECT_EQ(decision.first_starts, std::nullopt);
}

TEST(Backfill, OneThatEndsBeforeTheFirstStartsMayPass) {
  const QueueDecision decision = choose_starts({{4}, {2, 99}, {2, 101}}, {{2, 100}}, 4);
  EXPECT_THAT(decision.start, ElementsAre(1));
  EXPECT_EQ(decision.first_starts, 100);
  EXPECT_THAT(choose_starts({{4}, {2, 101}}, {{2, 100}}, 4).start, IsEmpty());
  EXPECT_THAT(choose_starts({{4}, {2}}, {{2, 100}}, 4).start,
              IsEmpty());  // nobody knows for how long
}

TEST(Backfill, OneThatNeedsNoCoreOfTheFirstMayPassForAnyTime) {
  // After 100 s six of eight cores are free, of which the first takes five.
  const auto start = choose_starts({{5}, {2}, {1}, {1}}, {{4, 100}, {2, 900}}, 8).start;
  EXPECT_THAT(start, ElementsAre(2));  // one core is spare then, and only one
}

TEST(Backfill, TheFirstOfSeveralEndsThatGiveEnoughCounts) {
  EXPECT_EQ(choose_starts({{3}}, {{1, 300}, {1, 100}, {2, 200}}, 4).first_starts, 200);
}

TEST(Backfill, OneThatWantsMoreThanThereAreRunsAlone) {
  EXPECT_THAT(choose_starts({{8}, {1}}, {}, 4).start, ElementsAre(0));
  EXPECT_EQ(choose_starts({{8}}, {{1, 5}}, 4).first_starts, 5);
}

}  // namespace
}  // namespace ringtrain::server
