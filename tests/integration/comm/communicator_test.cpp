// SPDX-License-Identifier: Apache-2.0
// Every backend against a reference sum.
#include "runtime/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "runtime/comm/error.hpp"
#include "runtime/comm/host_communicator.hpp"
#include "runtime/gradients/exchange.hpp"
#include "runtime/gradients/slab_layout.hpp"
#include "tests/integration/mpi_main.hpp"

namespace ringtrain {
namespace {

using Algorithm = CommunicationSpec::Algorithm;

// How ranks are told to lie on nodes.
struct Case {
  std::string name;
  int ranks_per_node;  // 0: all on one
  CommunicationSpec spec = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Communicators : public testing::Test {
 protected:
  const World& world = test_world();

  std::unique_ptr<Communicator> make(const Case& c, size_t elements, double timeout = 60) const {
    const int node = c.ranks_per_node == 0 ? 0 : world.rank() / c.ranks_per_node;
    CommunicationSpec spec = c.spec;
    spec.timeout_seconds = timeout;
    return std::make_unique<HostCommunicator>(world, world.split(node), spec, elements);
  }

  static void write(Communicator& communicator, size_t i, float value) {
    if (auto* wire = communicator.wire()) {
      wire[i] = kernels::to_bf16(value);
    } else {
      communicator.gradients()[i] = value;
    }
  }

  static float value(int rank, size_t i) {
    return static_cast<float>(rank + 1) * std::sin(static_cast<float>(i % 1000) + 1);
  }
};

class CommunicatorTest : public Communicators, public testing::WithParamInterface<Case> {
 protected:
  std::unique_ptr<Communicator> make(size_t elements, double timeout = 60) const {
    return Communicators::make(GetParam(), elements, timeout);
  }

  // bf16 keeps 8 bits of each addend, and of the sum between nodes.
  double tolerance() const {
    const double ranks = world.size();
    const bool bf16 = GetParam().spec.wire == CommunicationSpec::Wire::bf16;
    return (bf16 ? 1.0 / 128 : 1e-5) * ranks * ranks;
  }

  // One step in which the parameters become the sum of the gradients; then all of them are checked.
  void step(Communicator& communicator, Exchange& exchange, const std::vector<Range>& buckets,
            size_t elements) const {
    for (size_t i = 0; i < elements; ++i) write(communicator, i, value(world.rank(), i));
    double one = 1;
    exchange.sum({&one, 1});
    ASSERT_EQ(one, world.size());
    for (const Range& bucket : buckets) {
      exchange.wait(exchange.reduce(bucket));
      const Range share = communicator.share(bucket);
      std::memcpy(communicator.parameters() + share.begin, communicator.gradients() + share.begin,
                  share.size() * sizeof(float));
    }
    exchange.publish();
    for (size_t i = 0; i < elements; ++i) {
      double expected = 0;
      for (int r = 0; r < world.size(); ++r) expected += value(r, i);
      ASSERT_NEAR(communicator.parameters()[i], expected, tolerance())
          << "element " << i << " of " << elements;
    }
    exchange.publish();  // nobody writes the next step's parameters before all have looked at these
  }
};

TEST_P(CommunicatorTest, SumsOverAllRanks) {
  for (const size_t elements : {1UL, 15UL, 17UL, 1000UL, 65'537UL, 1'000'003UL}) {
    const auto communicator = make(elements);
    Exchange exchange(*communicator);
    step(*communicator, exchange, cut_into_buckets(elements, 100'000), elements);
    step(*communicator, exchange, cut_into_buckets(elements, 100'000), elements);
  }
}

TEST_P(CommunicatorTest, TakesEmptySlabs) {
  const auto communicator = make(0);
  Exchange exchange(*communicator);
  step(*communicator, exchange, {}, 0);
}

TEST_P(CommunicatorTest, GivesTheSameBitsOnEveryRankAndInEveryRun) {
  constexpr size_t kElements = 50'001;
  std::string first;
  for (int run = 0; run < 3; ++run) {
    const auto communicator = make(kElements);
    Exchange exchange(*communicator);
    step(*communicator, exchange, {{0, kElements}}, kElements);
    const std::string bits(reinterpret_cast<const char*>(communicator->parameters()),
                           kElements * sizeof(float));
    if (run == 0) first = bits;
    EXPECT_EQ(bits == first, true);
    EXPECT_EQ(bits == world.broadcast(bits), true);
  }
}

TEST_P(CommunicatorTest, SumsManySmallValues) {
  const auto communicator = make(16);
  for (const size_t count : {1UL, 5UL, 8192UL, 20'000UL}) {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i) + world.rank();
    communicator->sum(values);
    const double ranks = world.size();
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], ranks * static_cast<double>(i) + ranks * (ranks - 1) / 2);
    }
  }
}

TEST_P(CommunicatorTest, SharesOfANodeCoverEachBucketOnce) {
  const auto communicator = make(100'000);
  for (const Range bucket :
       {Range{0, 100'000}, Range{16, 33}, Range{7, 7}, Range{99'999, 100'000}}) {
    std::vector<double> covered(bucket.size());
    const Range share = communicator->share(bucket);
    for (size_t i = share.begin; i < share.end; ++i) covered[i - bucket.begin] = 1;
    communicator->sum_over_shares(covered);
    for (const double times : covered) ASSERT_EQ(times, 1);
  }
}

TEST_P(CommunicatorTest, GivesUpOnARankThatDoesNotCome) {
  if (world.size() == 1) return;  // nobody to wait for
  const auto communicator = make(1000, 0.3);
  if (world.rank() != world.size() - 1) {
    std::vector<double> values(1);
    // Ranks that only wait for those who wait give up too, one after the other.
    EXPECT_THROW(communicator->sum(values), CommunicationError);
  }
  world.barrier();
}

TEST_P(CommunicatorTest, SpreadsTheFirstRanksParameters) {
  constexpr size_t kElements = 70'001;
  const auto communicator = make(kElements);
  if (communicator->is_first()) {
    for (size_t i = 0; i < kElements; ++i) communicator->parameters()[i] = value(7, i);
  }
  communicator->spread_parameters();
  for (size_t i = 0; i < kElements; ++i) ASSERT_EQ(communicator->parameters()[i], value(7, i));
}

// Whoever can read all slabs gets the same bits from them as from reduce().
TEST_P(CommunicatorTest, SlabsAddUpToTheSum) {
  constexpr size_t kElements = 1000;
  const auto communicator = make(kElements);
  for (size_t i = 0; i < kElements; ++i) write(*communicator, i, value(world.rank(), i));
  double nothing = 0;
  communicator->sum({&nothing, 1});
  const auto slabs = communicator->slabs();
  if (slabs.empty()) return;
  const Range share = communicator->share({0, kElements});
  std::vector<float> expected;
  for (size_t i = share.begin; i < share.end; ++i) {
    float total = slabs[0][i];
    for (size_t s = 1; s < slabs.size(); ++s) total += slabs[s][i];
    expected.push_back(total);
  }
  communicator->reduce({0, kElements});
  for (size_t i = share.begin; i < share.end; ++i) {
    ASSERT_EQ(communicator->gradients()[i], expected[i - share.begin]);
  }
  communicator->publish();
}

// So that the choice by the clock, and ZeRO, change no result.
TEST_F(Communicators, GiveTheSameBitsWithEveryAlgorithm) {
  constexpr size_t kElements = 300'007;
  std::string first;
  for (const Case& c :
       {Case{"", 1, {.algorithm = Algorithm::direct}}, Case{"", 1, {.algorithm = Algorithm::ring}},
        Case{"", 1, {}}, Case{"", 1, {.shard_optimizer = true}}}) {
    const auto communicator = make(c, kElements);
    for (size_t i = 0; i < kElements; ++i) write(*communicator, i, value(world.rank(), i));
    double nothing = 0;
    communicator->sum({&nothing, 1});
    communicator->reduce({0, kElements});
    const Range share = communicator->share({0, kElements});
    std::memcpy(communicator->parameters() + share.begin, communicator->gradients() + share.begin,
                share.size() * sizeof(float));
    communicator->publish();
    const std::string bits(reinterpret_cast<const char*>(communicator->parameters()),
                           kElements * sizeof(float));
    if (first.empty()) first = bits;
    EXPECT_TRUE(bits == first);
    communicator->publish();
  }
}

constexpr auto kBf16 = CommunicationSpec::Wire::bf16;

INSTANTIATE_TEST_SUITE_P(
    Backends, CommunicatorTest,
    testing::Values(
        Case{"OneNode", 0}, Case{"RankPerNode", 1},
        Case{"RankPerNodeDirect", 1, {.algorithm = Algorithm::direct}},
        Case{"RankPerNodeRing", 1, {.algorithm = Algorithm::ring}}, Case{"TwoRanksPerNode", 2},
        Case{"ThreeRanksPerNodeRing", 3, {.algorithm = Algorithm::ring}},
        Case{"OneNodeBf16", 0, {.wire = kBf16}}, Case{"RankPerNodeBf16", 1, {.wire = kBf16}},
        Case{"TwoRanksPerNodeBf16", 2, {.wire = kBf16}},
        Case{"RankPerNodeSharded", 1, {.shard_optimizer = true}},
        Case{"TwoRanksPerNodeSharded", 2, {.shard_optimizer = true}},
        Case{"TwoRanksPerNodeShardedBf16", 2, {.wire = kBf16, .shard_optimizer = true}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ringtrain
