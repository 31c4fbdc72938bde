// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

#include "kernels/cuda_handles.hpp"
#include "runtime/comm/collectives.hpp"

namespace ringtrain {

// The queue of a GPU backend's work on the current device: a stream that does not wait for torch's,
// and an event a bucket that says how far torch's stream must have come first.
//
// Thread: mark_written() on the thread that writes gradients, the rest on the one that
// communicates.
class GpuQueue {
 public:
  explicit GpuQueue(const DeviceMemory& memory);

  cudaStream_t stream() const { return stream_.get(); }
  // Makes the device the calling thread's current one: needed before CUDA calls of another thread.
  void make_device_current() const;

  // Records an event on torch's stream. While that is captured as a graph, every replay records it.
  void mark_written(Range bucket);
  // Makes later work on stream() wait until the bucket is written.
  void wait_until_written(Range bucket);
  // Makes later work on stream() wait for all work on torch's stream until now.
  void wait_for_torch();

 private:
  int device_;
  std::function<void*()> current_stream_;
  kernels::cuda::Stream stream_;
  kernels::cuda::Event torch_;
  std::mutex mutex_;
  std::map<size_t, kernels::cuda::Event> written_;  // by the bucket's begin
};

}  // namespace ringtrain
