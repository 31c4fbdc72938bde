// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>

#include "kernels/cuda_handles.hpp"
#include "kernels/pinned_range.hpp"

namespace ringtrain {

// Copies to the device from memory that the caller may overwrite at once, through pinned buffers in
// turn: the host waits neither for the device nor for the bus, only for the third copy before.
class PinnedRing {
 public:
  PinnedRing() = default;
  ~PinnedRing();
  PinnedRing(const PinnedRing&) = delete;
  PinnedRing& operator=(const PinnedRing&) = delete;

  void copy(const void* from, size_t bytes, void* to_device, cudaStream_t stream);

 private:
  struct Buffer {
    kernels::cuda::PinnedArray<std::byte> memory;
    kernels::cuda::Event copied;
  };
  std::array<Buffer, 3> buffers_;
  size_t next_ = 0;
};

}  // namespace ringtrain
