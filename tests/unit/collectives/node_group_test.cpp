// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_group.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <vector>

#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_ranks.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;

class NodeGroupTest : public testing::TestWithParam<int> {};

TEST_P(NodeGroupTest, SumsValuesInTheOrderOfRanks) {
  EXPECT_THAT(
      run_ranks(GetParam(),
                [](const Node& node) {
                  NodeGroup group(node, 0);
                  // More than a slot holds, and values whose sum depends on the order.
                  for (const size_t count : {size_t{0}, size_t{1}, size_t{8192}, size_t{20'000}}) {
                    const auto value = [&](int rank, size_t i) {
                      return 1.0 / (static_cast<double>(i) + 3 * rank + 1);
                    };
                    std::vector<double> values(count);
                    for (size_t i = 0; i < count; ++i) values[i] = value(node.rank, i);
                    group.all_reduce(values);
                    for (size_t i = 0; i < count; ++i) {
                      double expected = 0;
                      for (int r = 0; r < node.size; ++r) expected += value(r, i);
                      ASSERT_EQ(values[i], expected) << i << " of " << count;
                    }
                  }
                }),
      Each(0));
}

TEST_P(NodeGroupTest, BroadcastsTheValuesOfAnyRank) {
  EXPECT_THAT(run_ranks(GetParam(),
                        [](const Node& node) {
                          NodeGroup group(node, 0);
                          for (int root = 0; root < node.size; ++root) {
                            std::vector<double> values(10'000, node.rank);
                            group.broadcast(values, root);
                            ASSERT_THAT(values, Each(root));
                          }
                        }),
              Each(0));
}

// Slots are used in turn, so a fast rank must not overwrite what a slow one still reads.
TEST_P(NodeGroupTest, KeepsRoundsApartWhereRanksRunAheadOfEachOther) {
  EXPECT_THAT(run_ranks(GetParam(),
                        [](const Node& node) {
                          NodeGroup group(node, 0);
                          for (int round = 0; round < 1000; ++round) {
                            double value = round;
                            if (round % 3 == 0) {
                              group.broadcast({&value, 1}, round % node.size);
                              ASSERT_EQ(value, round);
                            } else {
                              group.all_reduce({&value, 1});
                              ASSERT_EQ(value, round * node.size);
                            }
                            if (round % 7 == node.rank) usleep(100);
                          }
                        }),
              Each(0));
}

TEST_P(NodeGroupTest, ShowsEveryRanksMemoryAfterABarrier) {
  EXPECT_THAT(run_ranks(GetParam(),
                        [](const Node& node) {
                          NodeGroup group(node, 5000);
                          for (int round = 1; round <= 3; ++round) {
                            std::fill_n(group.memory(node.rank), 5000,
                                        std::byte(node.rank + round));
                            group.barrier();
                            for (int r = 0; r < node.size; ++r)
                              ASSERT_EQ(group.memory(r)[4999], std::byte(r + round));
                            group.barrier();
                          }
                        }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, NodeGroupTest, testing::Values(1, 2, 3, 4));

TEST(NodeGroup, GivesUpOnARankThatWasKilled) {
  const auto ended = run_ranks(
      3,
      [](const Node& node) {
        NodeGroup group(node, 0);
        if (node.rank == 1) raise(SIGKILL);
        EXPECT_THAT([&] { group.barrier(); },
                    ThrowsError(ErrorKind::lost, testing::HasSubstr("of the 3 ranks")));
      },
      std::chrono::milliseconds(300));
  EXPECT_EQ(ended[0], 0);
  EXPECT_TRUE(WIFSIGNALED(ended[1]));
  EXPECT_EQ(ended[2], 0);
}

}  // namespace
}  // namespace ringtrain::collectives
