// SPDX-License-Identifier: Apache-2.0
#include "collectives/meeting.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "collectives/communicator.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;
using testing::HasSubstr;
using namespace std::chrono_literals;

class MeetingTest : public testing::TestWithParam<int> {};

TEST_P(MeetingTest, GivesAllRanksTheSameMemory) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Communicator group(region);
                            *region->slot(region->rank(), 0) = std::byte(region->rank() + 1);
                            group.barrier(1min);
                            for (int r = 0; r < region->size(); ++r)
                              ASSERT_EQ(*region->slot(r, 0), std::byte(r + 1));
                            group.barrier(1min);
                          }),
              Each(0));
}

TEST_P(MeetingTest, IsNotMisledByWhatADeadAttemptLeftInTheStore) {
  const TemporaryDirectory folder;
  const Store store = store_of_files(folder.path());
  for (int r = 0; r < GetParam(); ++r) {
    store.set("hello/" + std::to_string(r), "0123456789abcdef elsewhere");
    store.set("welcome/" + std::to_string(r), "0123456789abcdef fedcba9876543210");
    store.set("ack/" + std::to_string(r), "0123456789abcdef fedcba9876543210");
    store.set("verdict/" + std::to_string(r), "0123456789abcdef here ringtrain-gone 262144 0 0");
  }
  EXPECT_THAT(run_ranks(GetParam(),
                        [&](const Node& node) {
                          if (node.rank > 0) usleep(50'000);
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 1min};
                          ASSERT_TRUE(meet(store, member));
                        }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, MeetingTest, testing::Values(1, 2, 3, 8));

TEST(Meeting, FindsOnEveryRankThatOneIsElsewhere) {
  const TemporaryDirectory folder;
  EXPECT_THAT(run_ranks(3,
                        [&](const Node& node) {
                          if (node.rank == 1) setenv("RINGTRAIN_NODE", "another", 1);
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 1min};
                          ASSERT_FALSE(meet(store_of_files(folder.path()), member));
                        }),
              Each(0));
}

TEST(Meeting, NamesTheRankThatDoesNotCome) {
  const TemporaryDirectory folder;
  EXPECT_THAT(run_ranks(3,
                        [&](const Node& node) {
                          if (node.rank == 1) return;
                          const Member member = {
                              .rank = node.rank, .size = node.size, .timeout = 200ms};
                          EXPECT_THAT([&] { meet(store_of_files(folder.path()), member); },
                                      ThrowsError(ErrorKind::lost,
                                                  HasSubstr(node.rank == 0 ? "rank 1" : "rank 0")));
                        }),
              Each(0));
}

}  // namespace
}  // namespace ringtrain::collectives
