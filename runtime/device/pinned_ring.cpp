// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/pinned_ring.hpp"

#include <cstring>
#include <utility>

#include "kernels/cuda_check.hpp"

namespace ringtrain {

using kernels::check_cuda;

PinnedRing::~PinnedRing() {
  for (const Buffer& buffer : buffers_) {
    if (buffer.copied != nullptr) {
      cudaEventSynchronize(buffer.copied);
      cudaEventDestroy(buffer.copied);
    }
    cudaFreeHost(buffer.memory);
  }
}

void PinnedRing::copy(const void* from, size_t bytes, void* to_device, cudaStream_t stream) {
  Buffer& buffer = buffers_[next_];
  next_ = (next_ + 1) % buffers_.size();
  if (buffer.copied == nullptr) {
    check_cuda(cudaEventCreateWithFlags(&buffer.copied, cudaEventDisableTiming));
  }
  check_cuda(cudaEventSynchronize(buffer.copied));
  if (buffer.bytes < bytes) {
    check_cuda(cudaFreeHost(std::exchange(buffer.memory, nullptr)));
    buffer.bytes = 0;
    check_cuda(cudaMallocHost(&buffer.memory, bytes));
    buffer.bytes = bytes;
  }
  std::memcpy(buffer.memory, from, bytes);
  check_cuda(cudaMemcpyAsync(to_device, buffer.memory, bytes, cudaMemcpyHostToDevice, stream));
  check_cuda(cudaEventRecord(buffer.copied, stream));
}

}  // namespace ringtrain
