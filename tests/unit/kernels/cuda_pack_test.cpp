// SPDX-License-Identifier: Apache-2.0
// The CUDA drivers that pack gradients and find their norms, against the host's.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/pack_cuda.hpp"
#include "tests/unit/kernels/on_device.hpp"

namespace ringtrain::kernels {
namespace {

using cuda::DeviceStats;

// Packs tensors in one launch and adds up their norms.
template <class Stored>
std::vector<DeviceStats> pack_on_device(const std::vector<cuda::PackPart<Stored>>& parts,
                                        float scale) {
  std::vector<uint32_t> ends;
  for (const auto& part : parts) {
    ends.push_back((ends.empty() ? 0 : ends.back()) +
                   static_cast<uint32_t>(cuda::chunks_of(part.n)));
  }
  const DeviceArray<double> partials(ends.back() + 1);
  const DeviceArray<DeviceStats> stats(parts.size());
  cuda::pack(parts, scale, partials.data(), nullptr);
  cuda::sum_partials(partials.data(), ends, stats.data(), nullptr);
  return to_host(stats);
}

template <class Stored>
void expect_pack_as_on_the_host() {
  constexpr float kScale = 1.0F / 96;
  for (const size_t n : kOddSizes) {
    const std::vector<float> gradient = random_floats(n, 1);
    std::vector<Stored> expected(n);
    const GradientStats host = pack(gradient.data(), expected.data(), n, kScale);
    for (const size_t in_offset : kOffsets) {
      for (const size_t out_offset : kOffsets) {
        ShiftedOnDevice<float> in(gradient, in_offset);
        ShiftedOnDevice<Stored> out(std::vector<Stored>(n), out_offset);
        const DeviceStats device = pack_on_device<Stored>({{in.data(), out.data(), n}}, kScale)[0];
        expect_same_bits(out.values(), expected);
        EXPECT_EQ(device.finite, 1);
        EXPECT_NEAR(device.squared_norm, host.squared_norm, 1e-13 * host.squared_norm);
      }
    }
  }
}

TEST_F(Cuda, PacksOneTensorAsTheHostDoes) {
  expect_pack_as_on_the_host<float>();
  expect_pack_as_on_the_host<bf16>();
}

// As many tensors as a launch takes, empty ones, ones of a few elements and of many chunks; the
// second but last holds a NaN.
TEST_F(Cuda, PacksManyTensorsInOneLaunch) {
  std::vector<std::vector<float>> gradients;
  std::vector<ShiftedOnDevice<float>> in, out;
  std::vector<cuda::PackPart<float>> parts;
  for (size_t k = 0; k < cuda::kMostParts; ++k) {
    const size_t n = k % 7 == 3 ? 0 : k % 5 == 0 ? 5 + k : 4096 * (k % 4) + 13 * k;
    gradients.push_back(random_floats(n, k));
  }
  const size_t broken = gradients.size() - 2;
  gradients[broken].back() = std::numeric_limits<float>::quiet_NaN();
  for (size_t k = 0; k < gradients.size(); ++k) {
    in.emplace_back(gradients[k], k % 4);
    out.emplace_back(std::vector<float>(gradients[k].size()), k % 3);
    parts.push_back({in.back().data(), out.back().data(), gradients[k].size()});
  }
  const std::vector<DeviceStats> stats = pack_on_device(parts, 0.5F);
  for (size_t k = 0; k < parts.size(); ++k) {
    std::vector<float> expected(gradients[k].size());
    const GradientStats host = pack(gradients[k].data(), expected.data(), expected.size(), 0.5F);
    expect_same_bits(out[k].values(), expected);
    EXPECT_EQ(stats[k].finite, k == broken ? 0 : 1) << k;
    if (k != broken) {
      EXPECT_NEAR(stats[k].squared_norm, host.squared_norm, 1e-13 * host.squared_norm) << k;
    }
  }
}

TEST_F(Cuda, AddsUpTheNormsOfMoreTensorsThanALaunchTakes) {
  std::vector<double> partials;
  std::vector<uint32_t> ends;
  for (uint32_t k = 0; k < 1300; ++k) {
    for (uint32_t chunk = 0; chunk < k % 3; ++chunk) partials.push_back(k);
    ends.push_back(static_cast<uint32_t>(partials.size()));
  }
  const DeviceArray<double> device(partials);
  const DeviceArray<DeviceStats> stats(ends.size());
  cuda::sum_partials(device.data(), ends, stats.data(), nullptr);
  const std::vector<DeviceStats> sums = to_host(stats);
  for (uint32_t k = 0; k < sums.size(); ++k) EXPECT_EQ(sums[k].squared_norm, k * (k % 3)) << k;
}

TEST_F(Cuda, FindsWhatIsOfNoUseToAnUpdate) {
  for (const size_t count : {size_t{1}, size_t{62}, size_t{700}}) {
    for (const size_t place : {size_t{0}, count - 1, count}) {  // the last: nowhere
      for (const DeviceStats& bad : {DeviceStats{5, 1}, DeviceStats{0, 0}}) {
        std::vector<DeviceStats> stats(count, DeviceStats{4, 1});
        if (place < count) stats[place] = bad;
        const DeviceArray<DeviceStats> device(stats);
        const DeviceArray<int> unusable(1);
        cuda::find_unusable(device.data(), count, /*most=*/4, unusable.data(), nullptr);
        EXPECT_EQ(to_host(unusable)[0], place < count ? 1 : 0) << count << " " << place;
      }
    }
  }
}

TEST_F(Cuda, SeesAValueThatIsNotFinite) {
  for (const size_t n : kOddSizes) {
    for (const size_t place : {size_t{0}, n / 2, n - 1}) {
      if (place >= n) continue;
      std::vector<float> values = random_floats(n, 3);
      values[place] = std::numeric_limits<float>::quiet_NaN();
      const DeviceArray<float> device(values);
      const DeviceArray<double> partials(cuda::chunks_of(n));
      const DeviceArray<DeviceStats> stats(1);
      cuda::squared_norm(device.data(), n, partials.data(), stats.data(), nullptr);
      EXPECT_EQ(to_host(stats)[0].finite, 0);
    }
  }
}

}  // namespace
}  // namespace ringtrain::kernels
