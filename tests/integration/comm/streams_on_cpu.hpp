// SPDX-License-Identifier: Apache-2.0
// CUDA's streams on the host: work is done in order, and late, when somebody asks for it.
#pragma once

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>

// The libraries' own names for what their handles point to.
struct CUstream_st {
  // A piece of work is called until it returns true.
  std::deque<std::function<bool()>> work;
  bool progress() {
    while (!work.empty() && work.front()()) work.pop_front();
    return work.empty();
  }
};
struct CUevent_st {
  bool done = true;
  CUstream_st* stream = nullptr;
};

namespace ringtrain {

// Torch's stream is the legacy default one. Tests write memory themselves, so its work is done.
inline bool is_legacy(cudaStream_t stream) {
  return stream == nullptr || stream == cudaStreamLegacy;
}

// Appends work to a stream.
inline void then(cudaStream_t stream, const std::function<void()>& work) {
  if (is_legacy(stream)) return work();
  stream->work.push_back([work] {
    work();
    return true;
  });
}

}  // namespace ringtrain
