// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/comm/communicator.hpp"

namespace ringtrain {

// GPU ranks by way of host memory, where NCCL cannot be had: ranks that share a device, or a
// backend for CPU ranks that the job asks for. Slower, by two trips over the bus.
//
// `host` does the summing (HostCommunicator), over as many elements; its memory is pinned. In a
// build without CUDA this throws a job error. Collective.
std::unique_ptr<Communicator> make_staged_communicator(std::unique_ptr<Communicator> host,
                                                       const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
