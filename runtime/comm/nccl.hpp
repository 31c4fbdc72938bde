// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// True where every rank's current device is its own, which NCCL needs. Collective.
bool each_rank_has_a_gpu(const World& world);

// GPU ranks, one device each (the process's current one): all-reduce by NCCL over slabs in device
// memory. In a build without CUDA this throws a job error. Collective.
std::unique_ptr<Communicator> make_nccl_communicator(const World& world,
                                                     const CommunicationSpec& spec,
                                                     const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
