// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "runtime/comm/collectives.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// Returns sums by an NCCL communicator of their own, on the stream that current_stream() names
// (cudaStream_t). Errors as NcclComm. Collective.
std::unique_ptr<StreamSum> make_nccl_stream_sum(const World& world,
                                                std::chrono::duration<double> timeout,
                                                std::function<void*()> current_stream);

}  // namespace ringtrain
