// SPDX-License-Identifier: Apache-2.0
// Memory that a GPU copies from and to by itself, over the stand-in for CUDA in gpus_on_cpu.cpp.
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "kernels/pinned_range.hpp"
#include "runtime/device/pinned_ring.hpp"
#include "tests/integration/comm/streams_on_cpu.hpp"

namespace ringtrain {
namespace {

// CUDA would copy to and from the second array of a page by way of its own buffers, and wait.
TEST(PinnedArray, SharesItsPagesWithNoOther) {
  const int before = pages_refused();
  std::array<kernels::cuda::PinnedArray<double>, 20> arrays;
  for (auto& array : arrays) *array.room_for(1) = 1;
  EXPECT_EQ(pages_refused(), before);
}

TEST(PinnedRing, CopiesFromMemoryThatChangesAtOnce) {
  constexpr size_t kValues = 100;
  CUstream_st stream;
  std::array<std::vector<int>, 10> device;
  std::vector<int> host(kValues);
  PinnedRing ring;
  for (size_t k = 0; k < device.size(); ++k) {
    std::iota(host.begin(), host.end(), static_cast<int>(1000 * k));
    device[k].resize(k % 2 == 0 ? kValues : kValues / 2);
    ring.copy(host.data(), device[k].size() * sizeof(int), device[k].data(), &stream);
  }
  std::fill(host.begin(), host.end(), -1);
  while (!stream.progress()) continue;
  for (size_t k = 0; k < device.size(); ++k) {
    for (size_t i = 0; i < device[k].size(); ++i) {
      ASSERT_EQ(device[k][i], static_cast<int>(1000 * k + i));
    }
  }
}

}  // namespace
}  // namespace ringtrain
