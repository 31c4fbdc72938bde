// SPDX-License-Identifier: Apache-2.0
// The backends for CPU ranks.
#include "runtime/comm/host_communicator.hpp"
#include "tests/integration/comm/communicator_test.hpp"

namespace ringtrain {
namespace {

using Algorithm = CommunicationSpec::Algorithm;
constexpr auto kBf16 = CommunicationSpec::Wire::bf16;

// Ranks are told to lie on nodes of so many; 0: all on one.
Case on_nodes(const std::string& name, int ranks_per_node, const CommunicationSpec& spec = {}) {
  return {
      name, spec, [=](const World& world, const CommunicationSpec& with_timeout, size_t elements) {
        const int node = ranks_per_node == 0 ? 0 : world.rank() / ranks_per_node;
        return std::make_unique<HostCommunicator>(world, world.split(node), with_timeout, elements);
      }};
}

INSTANTIATE_TEST_SUITE_P(
    Host, CommunicatorTest,
    testing::Values(on_nodes("OneNode", 0), on_nodes("RankPerNode", 1),
                    on_nodes("RankPerNodeDirect", 1, {.algorithm = Algorithm::direct}),
                    on_nodes("RankPerNodeRing", 1, {.algorithm = Algorithm::ring}),
                    on_nodes("TwoRanksPerNode", 2),
                    on_nodes("ThreeRanksPerNodeRing", 3, {.algorithm = Algorithm::ring}),
                    on_nodes("OneNodeBf16", 0, {.wire = kBf16}),
                    on_nodes("RankPerNodeBf16", 1, {.wire = kBf16}),
                    on_nodes("TwoRanksPerNodeBf16", 2, {.wire = kBf16}),
                    on_nodes("RankPerNodeSharded", 1, {.shard_optimizer = true}),
                    on_nodes("TwoRanksPerNodeSharded", 2, {.shard_optimizer = true}),
                    on_nodes("TwoRanksPerNodeShardedBf16", 2,
                             {.wire = kBf16, .shard_optimizer = true})),
    [](const auto& test) { return test.param.name; });

// So that the choice by the clock, and ZeRO, change no result.
TEST(HostCommunicators, GiveTheSameBitsWithEveryAlgorithm) {
  constexpr size_t kElements = 300'007;
  const std::vector<Range> all = {{0, kElements}};
  const World& world = test_world();
  std::string first;
  for (const CommunicationSpec& spec :
       {CommunicationSpec{.algorithm = Algorithm::direct},
        CommunicationSpec{.algorithm = Algorithm::ring}, CommunicationSpec{},
        CommunicationSpec{.shard_optimizer = true}}) {
    const auto communicator = on_nodes("", 1).make(world, spec, kElements);
    for (size_t i = 0; i < kElements; ++i) write(*communicator, i, value(world.rank(), i));
    double nothing = 0;
    communicator->sum({&nothing, 1});
    communicator->reduce(all[0]);
    const Range share = communicator->share(all[0]);
    std::memcpy(communicator->parameters() + share.begin, communicator->gradients() + share.begin,
                share.size() * sizeof(float));
    communicator->publish(all);
    const std::string bits(reinterpret_cast<const char*>(communicator->parameters()),
                           kElements * sizeof(float));
    if (first.empty()) first = bits;
    EXPECT_TRUE(bits == first);
    communicator->publish(all);
  }
}

}  // namespace
}  // namespace ringtrain
