// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/pinned_ring.hpp"

#include <cstring>

namespace ringtrain {

using kernels::check_cuda;

PinnedRing::~PinnedRing() {
  for (const Buffer& buffer : buffers_) {
    if (buffer.copied) cudaEventSynchronize(buffer.copied.get());
  }
}

void PinnedRing::copy(const void* from, size_t bytes, void* to_device, cudaStream_t stream) {
  Buffer& buffer = buffers_[next_];
  next_ = (next_ + 1) % buffers_.size();
  if (!buffer.copied) buffer.copied = kernels::cuda::make_event();
  check_cuda(cudaEventSynchronize(buffer.copied.get()));
  std::byte* memory = buffer.memory.room_for(bytes);
  std::memcpy(memory, from, bytes);
  check_cuda(cudaMemcpyAsync(to_device, memory, bytes, cudaMemcpyHostToDevice, stream));
  check_cuda(cudaEventRecord(buffer.copied.get(), stream));
}

}  // namespace ringtrain
