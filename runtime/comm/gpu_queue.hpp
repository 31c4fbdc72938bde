// SPDX-License-Identifier: Apache-2.0
// Streams and events with owners, and a GPU backend's queue beside torch's.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <type_traits>

#include "runtime/comm/collectives.hpp"

namespace ringtrain {

struct FreeStream {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, FreeStream>;

struct FreeEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, FreeEvent>;
Event make_event();

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

 private:
  int device_;
  std::function<void*()> current_stream_;
  Stream stream_;
  std::mutex mutex_;
  std::map<size_t, Event> written_;  // by the bucket's begin
};

}  // namespace ringtrain
