// SPDX-License-Identifier: Apache-2.0
// The backends for GPU ranks, over the stand-ins for CUDA and NCCL in gpus_on_cpu.cpp and
// nccl_on_mpi.cpp.
#include "runtime/comm/host_collectives.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/staged.hpp"
#include "tests/integration/comm/backend_suite.hpp"

namespace ringtrain {
namespace {

constexpr auto kBf16 = CommOptions::Wire::bf16;

DeviceMemory memory() {
  return {.cuda = true,
          .allocate_zeros = [](size_t n) { return std::shared_ptr<float[]>(new float[n]()); },
          .current_stream = [] { return static_cast<void*>(nullptr); }};
}

Case nccl(const std::string& name, const CommOptions& options = {}) {
  return {name, options, [](const World& world, const CommOptions& with_timeout, size_t elements) {
            return make_nccl_collectives(world, with_timeout, memory(), elements);
          }};
}

Case staged(const std::string& name, int ranks_per_node) {
  return {name, {}, [=](const World& world, const CommOptions& options, size_t elements) {
            const int node = ranks_per_node == 0 ? 0 : world.rank() / ranks_per_node;
            auto host =
                std::make_unique<HostCollectives>(world, world.split(node), options, elements);
            return make_staged_collectives(std::move(host), memory(), elements);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Gpu, BackendTest,
    testing::Values(nccl("Nccl"), nccl("NcclBf16", {.wire = kBf16}),
                    nccl("NcclSharded", {.shard_optimizer = true}),
                    nccl("NcclShardedBf16", {.wire = kBf16, .shard_optimizer = true}),
                    staged("StagedOnOneNode", 0), staged("StagedOnTwoRanksPerNode", 2)),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ringtrain
