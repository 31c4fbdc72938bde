// SPDX-License-Identifier: Apache-2.0
// The backends for GPU ranks on real devices: NCCL, where each rank has a device that NCCL takes
// for another's, and host memory for ranks that share one.
#include <cuda_runtime_api.h>

#include <memory>
#include <string>
#include <utility>

#include "kernels/cuda_check.hpp"
#include "runtime/comm/host_collectives.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/staged.hpp"
#include "runtime/device/device_cuda.hpp"
#include "tests/integration/comm/backend_suite.hpp"

namespace ringtrain {

void copy_bytes(void* to, const void* from, size_t bytes) {
  kernels::check_cuda(cudaDeviceSynchronize());
  kernels::check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault));
}

namespace {

constexpr auto kBf16 = CommOptions::Wire::bf16;

DeviceMemory memory() {
  const auto device = std::make_shared<CudaDevice>(0);
  return {.cuda = true,
          .allocate_zeros = [device](size_t n) { return device->allocate_zeros(n); },
          .current_stream = [device] { return device->current_stream(); }};
}

Case nccl(const std::string& name, const CommOptions& options = {}) {
  return {name, options, [](const World& world, const CommOptions& with_timeout, size_t elements) {
            return make_nccl_collectives(world, with_timeout, memory(), elements);
          }};
}

Case staged() {
  return {"Staged", {}, [](const World& world, const CommOptions& options, size_t elements) {
            auto host = std::make_unique<HostCollectives>(world, world.split(0), options, elements);
            return make_staged_collectives(std::move(host), memory(), elements);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Card, BackendTest,
    testing::Values(nccl("Nccl"), nccl("NcclBf16", {.wire = kBf16}),
                    nccl("NcclSharded", {.shard_optimizer = true}),
                    nccl("NcclShardedBf16", {.wire = kBf16, .shard_optimizer = true}), staged()),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ringtrain
