// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/comm/collectives.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// Returns true if every rank's current device is its own, which NCCL needs. Collective.
bool each_rank_has_a_gpu(const World& world);

// GPU ranks, one device each (the process's current one): NCCL over slabs in device memory. Throws
// a job error in a build without CUDA, and where ranks share a device. `world` must outlive the
// result. Collective.
std::unique_ptr<Collectives> make_nccl_collectives(const World& world, const CommOptions& options,
                                                   const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
