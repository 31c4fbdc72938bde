// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include "base/round_up.hpp"

namespace ringtrain::kernels::cuda {

// CUDA pins whole pages, and refuses a page that is pinned already.
inline constexpr size_t kPageBytes = 4096;

// Returns memory of whole pages, not initialised, for n elements of a trivial type.
template <class Element>
std::shared_ptr<Element[]> allocate_pages(size_t n) {
  const size_t bytes = round_up(n * sizeof(Element) + 1, kPageBytes);
  auto* memory = static_cast<Element*>(std::aligned_alloc(kPageBytes, bytes));
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, [](Element* p) { std::free(p); }};
}

// Host memory that the device copies to and from by itself. Where it cannot be pinned (a limit on
// locked memory), copies still work, through CUDA's own buffers. The memory must outlive it.
class PinnedRange {
 public:
  PinnedRange(void* memory, size_t bytes) : memory_(memory) {
    if (bytes == 0) return;
    pinned_ = cudaHostRegister(memory, bytes, cudaHostRegisterDefault) == cudaSuccess;
    if (!pinned_) cudaGetLastError();  // cleared: a later call must not report it
  }
  ~PinnedRange() {
    if (pinned_) cudaHostUnregister(memory_);
  }
  PinnedRange(const PinnedRange&) = delete;
  PinnedRange& operator=(const PinnedRange&) = delete;

 private:
  void* memory_;
  bool pinned_ = false;
};

// Host memory of its own for n elements, pinned where that is allowed; not initialised.
template <class Element>
class PinnedArray {
 public:
  // Makes room for n elements; earlier values are lost. Requires: no copy is under way.
  Element* room_for(size_t n) {
    if (n > size_) {
      range_.reset();
      memory_ = allocate_pages<Element>(n);
      range_.emplace(memory_.get(), n * sizeof(Element));
      size_ = n;
    }
    return memory_.get();
  }
  const Element* data() const { return memory_.get(); }

 private:
  size_t size_ = 0;
  std::shared_ptr<Element[]> memory_;
  std::optional<PinnedRange> range_;
};

}  // namespace ringtrain::kernels::cuda
