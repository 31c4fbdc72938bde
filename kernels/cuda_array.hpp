// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "kernels/cuda_check.hpp"

namespace ringtrain::kernels::cuda {

// Device memory of the current device for `size` elements, owned; aligned to 256 bytes, not
// initialised.
template <class Element>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(size_t size) : size_(size) {
    if (size > 0) check_cuda(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(Element)));
  }
  // A copy of values in host memory; returns when it is made.
  explicit DeviceArray(std::span<const Element> values) : DeviceArray(values.size()) {
    if (size_ > 0) {
      check_cuda(cudaMemcpy(data_, values.data(), size_ * sizeof(Element), cudaMemcpyHostToDevice));
    }
  }
  explicit DeviceArray(const std::vector<Element>& values)
      : DeviceArray(std::span<const Element>(values)) {}
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceArray() { cudaFree(data_); }

  Element* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Element* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ringtrain::kernels::cuda
