// SPDX-License-Identifier: Apache-2.0
// The backends for CPU ranks.
#include <cstring>

#include "runtime/comm/host_collectives.hpp"
#include "tests/integration/comm/backend_suite.hpp"

namespace ringtrain {

void copy_bytes(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

namespace {

using Algorithm = CommOptions::Algorithm;
constexpr auto kBf16 = CommOptions::Wire::bf16;

// Ranks behave as if they were on nodes of so many; 0: all on one.
Case on_nodes(const std::string& name, int ranks_per_node, const CommOptions& options = {}) {
  return {name, options, [=](const World& world, const CommOptions& with_timeout, size_t elements) {
            const int node = ranks_per_node == 0 ? 0 : world.rank() / ranks_per_node;
            return std::make_unique<HostCollectives>(world, world.split(node), with_timeout,
                                                     elements);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Host, BackendTest,
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

// So the choice by the clock, and ZeRO, change no result.
TEST(HostBackends, GiveTheSameBitsWithEveryAlgorithm) {
  constexpr size_t kElements = 300'007;
  const World& world = test_world();
  std::string first;
  for (const CommOptions& options :
       {CommOptions{.algorithm = Algorithm::direct}, CommOptions{.algorithm = Algorithm::ring},
        CommOptions{}, CommOptions{.shard_optimizer = true}}) {
    const auto collectives = on_nodes("", 1).make(world, options, kElements);
    CommunicationThread thread(*collectives);
    const Slabs slabs = collectives->slabs();
    write(slabs, values_of(world.rank(), kElements));
    thread.barrier();
    sum_into_parameters(*collectives, thread, {{0, kElements}});
    const std::string bits(reinterpret_cast<const char*>(slabs.parameters),
                           kElements * sizeof(float));
    if (first.empty()) first = bits;
    EXPECT_TRUE(bits == first);
    thread.barrier();
  }
}

}  // namespace
}  // namespace ringtrain
