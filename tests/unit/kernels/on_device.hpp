// SPDX-License-Identifier: Apache-2.0
// Arrays of a GPU for tests of the CUDA drivers; tests of the fixture skip themselves without one.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/cuda_array.hpp"
#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {

using cuda::DeviceArray;

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    const cudaError_t code = cudaGetDeviceCount(&devices);
    if (code != cudaSuccess || devices == 0) {
      GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(code);
    }
  }
};

// Waits for the device, then copies to host memory.
template <class Element>
std::vector<Element> to_host(const DeviceArray<Element>& array) {
  std::vector<Element> values(array.size());
  if (!values.empty()) {
    check_cuda(cudaDeviceSynchronize());
    check_cuda(cudaMemcpy(values.data(), array.data(), values.size() * sizeof(Element),
                          cudaMemcpyDeviceToHost));
  }
  return values;
}

// Device memory that starts `offset` elements after an aligned place.
template <class Element>
class ShiftedOnDevice {
 public:
  ShiftedOnDevice(const std::vector<Element>& values, size_t offset)
      : offset_(offset), array_(Shifted<Element>(values, offset).memory()) {}
  Element* data() { return array_.data() + offset_; }
  std::vector<Element> values() const {
    const std::vector<Element> all = to_host(array_);
    return {all.begin() + static_cast<ptrdiff_t>(offset_), all.end()};
  }

 private:
  size_t offset_;
  DeviceArray<Element> array_;
};

template <class Element>
void expect_same_bits(const std::vector<Element>& values, const std::vector<Element>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  if (values.empty()) return;
  EXPECT_EQ(std::memcmp(values.data(), expected.data(), values.size() * sizeof(Element)), 0);
}

}  // namespace ringtrain::kernels
