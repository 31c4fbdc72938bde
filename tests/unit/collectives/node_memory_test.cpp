// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_memory.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>

#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_ranks.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;
using testing::HasSubstr;

class NodeMemoryTest : public testing::TestWithParam<int> {};

TEST_P(NodeMemoryTest, ShowsEveryRankWhatTheOthersWrite) {
  EXPECT_THAT(
      run_ranks(
          GetParam(),
          [](const Node& node) {
            const auto bytes_of = [](int rank) { return static_cast<size_t>(10'000 * rank + 1); };
            const NodeMemory memory(node, bytes_of(node.rank));
            for (int r = 0; r < node.size; ++r) {
              ASSERT_EQ(reinterpret_cast<uintptr_t>(memory.part(r)) % 4096, 0);
              ASSERT_TRUE(std::all_of(memory.part(r), memory.part(r) + bytes_of(r),
                                      [](std::byte b) { return b == std::byte{0}; }));
            }
            node.all_gather("all have looked");
            std::fill_n(memory.part(node.rank), bytes_of(node.rank), std::byte(node.rank + 1));
            node.all_gather("all have written");
            for (int r = 0; r < node.size; ++r) {
              ASSERT_EQ(std::count(memory.part(r), memory.part(r) + bytes_of(r), std::byte(r + 1)),
                        static_cast<ptrdiff_t>(bytes_of(r)));
            }
          }),
      Each(0));
}

TEST_P(NodeMemoryTest, FailsAlikeOnEveryRankWhereOneAsksForTooMuch) {
  EXPECT_THAT(run_ranks(GetParam(),
                        [](const Node& node) {
                          const size_t bytes = node.rank == node.size - 1 ? size_t{1} << 55 : 10;
                          EXPECT_THAT([&] { NodeMemory(node, bytes); },
                                      ThrowsError(ErrorKind::lost, HasSubstr("TiB")));
                        }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, NodeMemoryTest, testing::Values(1, 2, 3, 4));

TEST(NodeMemory, GivesUpOnARankThatEndsInBetween) {
  const auto timeout = std::chrono::milliseconds(100);
  EXPECT_THAT(run_ranks(
                  2,
                  [](const Node& node) {
                    if (node.rank == 0) {
                      EXPECT_THAT([&] { NodeMemory(node, 10); }, ThrowsError(ErrorKind::lost));
                      return;
                    }
                    int calls = 0;
                    Node leaving = node;
                    leaving.all_gather = [&](const std::string& mine) {
                      const auto all = node.all_gather(mine);
                      if (++calls == 2) _exit(0);  // before it fetches the descriptor
                      return all;
                    };
                    NodeMemory(leaving, 10);
                  },
                  timeout),
              Each(0));
}

}  // namespace
}  // namespace ringtrain::collectives
