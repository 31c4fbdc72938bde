// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_barrier.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::collectives {
namespace {

class NodeBarrierTest : public testing::TestWithParam<bool> {};

TEST_P(NodeBarrierTest, ShowsEverybodyWhatWasWrittenBefore) {
  constexpr int kRanks = 4, kRounds = 200;
  NodeBarrier::State state{};
  std::vector<int> cells(kRanks);
  std::vector<std::thread> ranks;
  std::atomic<int> wrong = 0;
  for (int r = 0; r < kRanks; ++r) {
    ranks.emplace_back([&, r] {
      NodeBarrier barrier(&state, kRanks, GetParam(), std::chrono::seconds(60));
      for (int round = 1; round <= kRounds; ++round) {
        cells[r] = round;  // no atomics: the barrier orders it, and TSan watches
        barrier.wait();
        for (const int cell : cells) wrong += cell != round;
        barrier.wait();
      }
    });
  }
  for (auto& rank : ranks) rank.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(NodeBarrierTest, GivesUpAtTheDeadline) {
  NodeBarrier::State state{};
  NodeBarrier barrier(&state, 2, GetParam(), std::chrono::milliseconds(10));
  EXPECT_THAT([&] { barrier.wait(); }, ThrowsError(ErrorKind::lost));
}

INSTANTIATE_TEST_SUITE_P(Waiting, NodeBarrierTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Sleeping" : "Spinning"; });

}  // namespace
}  // namespace ringtrain::collectives
