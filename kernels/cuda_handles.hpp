// SPDX-License-Identifier: Apache-2.0
// Streams and events of the current device, with owners.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <type_traits>

#include "kernels/cuda_check.hpp"

namespace ringtrain::kernels::cuda {

struct FreeStream {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, FreeStream>;

struct FreeEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, FreeEvent>;

// Returns a stream that does not wait for the default one. It has the highest priority: what runs
// beside a graph is small, and would queue behind the graph's blocks.
inline Stream make_stream() {
  int lowest = 0, highest = 0;
  check_cuda(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, highest));
  return Stream(stream);
}

// Returns an event without a time, which counts as reached until it is recorded.
inline Event make_event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Event(event);
}

}  // namespace ringtrain::kernels::cuda
