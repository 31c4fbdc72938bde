// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/comm/collectives.hpp"

namespace ringtrain {

// GPU ranks through host memory, where NCCL cannot be had: ranks that share a device, or a backend
// for CPU ranks that the job asks for. Slower, by two trips over the bus.
//
// `host` (HostCollectives) does the summing, over as many elements; its memory is pinned. Throws a
// job error in a build without CUDA. Collective.
std::unique_ptr<Collectives> make_staged_collectives(std::unique_ptr<Collectives> host,
                                                     const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
