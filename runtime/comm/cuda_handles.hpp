// SPDX-License-Identifier: Apache-2.0
// Streams and events, owned, and which bucket the device has written: what the GPU backends share.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <type_traits>
#include <utility>

#include "runtime/comm/communicator.hpp"

namespace ringtrain {

// Throws a lost error with CUDA's text, file and line unless code is cudaSuccess.
void check_cuda(cudaError_t code, std::source_location where = std::source_location::current());

struct FreeStream {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, FreeStream>;
Stream make_stream();  // does not wait for torch's

struct FreeEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, FreeEvent>;
Event make_event();

// How far the stream of those who write had come when each bucket was handed over. Two threads may
// use it: the one that writes and the one that communicates.
class WrittenBuckets {
 public:
  explicit WrittenBuckets(std::function<void*()> current_stream)
      : current_stream_(std::move(current_stream)) {}
  // While the stream is being recorded as a graph: every replay notes it anew.
  void note(Range bucket);
  // What comes on `stream` after this waits until the bucket is written.
  void order(cudaStream_t stream, Range bucket);

 private:
  std::function<void*()> current_stream_;
  std::mutex mutex_;
  std::map<size_t, Event> events_;  // by the bucket's begin
};

}  // namespace ringtrain
