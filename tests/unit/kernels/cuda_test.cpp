// SPDX-License-Identifier: Apache-2.0
// The CUDA drivers against the host's. Elements must have the same bits; norms are added up in
// another order.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "kernels/cuda_array.hpp"
#include "kernels/lars.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/optimizers_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "kernels/sum.hpp"
#include "kernels/sum_cuda.hpp"
#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {
namespace {

using cuda::DeviceArray;
using cuda::DeviceStats;

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

template <class Value>
DeviceArray<Value> on_device(const Value& value) {
  return DeviceArray<Value>(std::vector<Value>{value});
}

template <class Element>
void expect_same_bits(const std::vector<Element>& values, const std::vector<Element>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  if (values.empty()) return;
  EXPECT_EQ(std::memcmp(values.data(), expected.data(), values.size() * sizeof(Element)), 0);
}

template <class Stored>
void expect_pack_as_on_the_host() {
  constexpr float kScale = 1.0F / 96;
  for (const size_t n : kOddSizes) {
    const std::vector<float> gradient = random_floats(n, 1);
    std::vector<Stored> expected(n);
    const GradientStats host = pack(gradient.data(), expected.data(), n, kScale);
    const DeviceArray<double> partials(cuda::chunks_of(n) + 1);
    for (const size_t in_offset : kOffsets) {
      for (const size_t out_offset : kOffsets) {
        ShiftedOnDevice<float> in(gradient, in_offset);
        ShiftedOnDevice<Stored> out(std::vector<Stored>(n), out_offset);
        const DeviceArray<DeviceStats> stats(1);
        cuda::pack(in.data(), out.data(), n, kScale, partials.data(), stats.data(), nullptr);
        expect_same_bits(out.values(), expected);
        const DeviceStats device = to_host(stats)[0];
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

TEST_F(Cuda, SumsPartsOfBf16AsTheHostDoes) {
  constexpr int kParts = 3;
  for (const size_t n : kOddSizes) {
    const size_t stride = n + 5;
    std::vector<bf16> all(kParts * stride);
    const std::vector<float> values = random_floats(all.size(), 15);
    for (size_t i = 0; i < all.size(); ++i) all[i] = to_bf16(values[i]);
    std::vector<const bf16*> sources;
    for (size_t r = 0; r < kParts; ++r) sources.push_back(all.data() + r * stride);
    std::vector<float> expected(n);
    sum(sources, expected.data(), n);
    std::vector<bf16> expected_rounded(n);
    for (size_t i = 0; i < n; ++i) expected_rounded[i] = to_bf16(expected[i]);

    const DeviceArray<bf16> in(all);
    const DeviceArray<float> out(n);
    const DeviceArray<bf16> rounded(n);
    cuda::sum_parts(in.data(), kParts, stride, n, out.data(), rounded.data(), nullptr);
    expect_same_bits(to_host(out), expected);
    expect_same_bits(to_host(rounded), expected_rounded);

    const DeviceArray<float> wide(n);
    cuda::widen(in.data(), n, wide.data(), nullptr);
    for (size_t i = 0; i < n; ++i) expected[i] = to_float(all[i]);
    expect_same_bits(to_host(wide), expected);
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

TEST_F(Cuda, StepsOfSgdHaveTheHostsBits) {
  for (const SgdStep& step :
       {SgdStep{.learning_rate = 0.1F, .weight_decay = 1e-3F},
        SgdStep{
            .learning_rate = 0.1F, .momentum = 0.9F, .weight_decay = 1e-3F, .nesterov = true}}) {
    for (const size_t n : kOddSizes) {
      for (const size_t offset : kOffsets) {
        std::vector<float> parameters = random_floats(n, 4);
        const std::vector<float> gradients = random_floats(n, 5);
        std::vector<float> momentum = random_floats(n, 6);
        ShiftedOnDevice<float> p(parameters, offset);
        ShiftedOnDevice<float> g(gradients, offset);
        ShiftedOnDevice<float> v(momentum, offset);
        cuda::sgd_step(step, p.data(), g.data(), v.data(), n, nullptr);
        sgd_step(step, parameters.data(), gradients.data(), momentum.data(), n);
        expect_same_bits(p.values(), parameters);
        expect_same_bits(v.values(), momentum);
      }
    }
  }
}

TEST_F(Cuda, StepsOfAdamwHaveTheHostsBits) {
  const AdamwStep step{.learning_rate = 0.01, .weight_decay = 0.05, .step = 3};
  for (const size_t n : kOddSizes) {
    std::vector<float> parameters = random_floats(n, 7);
    const std::vector<float> gradients = random_floats(n, 8);
    std::vector<float> m = random_floats(n, 9);
    std::vector<float> v(n, 0.25F);
    const DeviceArray<float> device_p(parameters);
    const DeviceArray<float> device_g(gradients);
    const DeviceArray<float> device_m(m);
    const DeviceArray<float> device_v(v);
    cuda::adamw_step(step, device_p.data(), device_g.data(), device_m.data(), device_v.data(), n,
                     nullptr);
    adamw_step(step, parameters.data(), gradients.data(), m.data(), v.data(), n);
    expect_same_bits(to_host(device_p), parameters);
    expect_same_bits(to_host(device_m), m);
    expect_same_bits(to_host(device_v), v);
  }
}

TEST_F(Cuda, StepsOfLarsHaveTheHostsBits) {
  const LarsStep step{
      .learning_rate = 1, .local_rate = 0.02F, .momentum = 0.9F, .weight_decay = 1e-3F};
  for (const size_t n : kOddSizes) {
    for (const size_t offset : kOffsets) {
      std::vector<float> parameters = random_floats(n, 10);
      const std::vector<float> gradients = random_floats(n, 11);
      std::vector<float> momentum = random_floats(n, 12);
      ShiftedOnDevice<float> p(parameters, offset);
      ShiftedOnDevice<float> g(gradients, offset);
      ShiftedOnDevice<float> v(momentum, offset);
      cuda::lars_step(step, p.data(), g.data(), v.data(), n, nullptr);
      lars_step(step, parameters.data(), gradients.data(), momentum.data(), n);
      expect_same_bits(p.values(), parameters);
      expect_same_bits(v.values(), momentum);
    }
  }
}

TEST_F(Cuda, NormalisesAndAugmentsAsTheHostDoes) {
  const std::vector<float> mean{0.4914F, 0.4822F, 0.4465F};
  const std::vector<float> deviation{0.2470F, 0.2435F, 0.2616F};
  std::vector<NormaliseElement> elements;
  for (size_t c = 0; c < 3; ++c) {
    elements.push_back(normalise_element(mean[c], deviation[c], 255));
  }
  const DeviceArray<NormaliseElement> channels(elements);
  constexpr size_t kRows = 33;
  for (const Image& image : {Image{3, 32, 32}, Image{3, 5, 7}, Image{3, 1, 1}}) {
    for (const Augment& augment : {Augment{}, Augment{4, true, 7, 3}, Augment{40, true, 7, 3}}) {
      const size_t n = kRows * 3 * image.height * image.width;
      std::vector<uint8_t> samples(n);
      for (size_t i = 0; i < n; ++i) samples[i] = static_cast<uint8_t>(mix(i));
      std::vector<float> expected(n);
      input_batch(samples.data(), expected.data(), kRows, image, mean, deviation, augment, 1000);
      const DeviceArray<uint8_t> in(samples);
      const DeviceArray<float> out(n);
      const DeviceArray<cuda::BatchPlace> place = on_device(cuda::BatchPlace{augment, 1000});
      cuda::input_batch(in.data(), out.data(), kRows, image, channels.data(), place.data(),
                        nullptr);
      expect_same_bits(to_host(out), expected);
    }
  }
}

TEST_F(Cuda, ReportsCallFileAndLine) {
  try {
    check_cuda(cudaErrorInvalidValue);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::lost);
    EXPECT_THAT(error.what(), testing::HasSubstr("(cudaErrorInvalidValue)"));
    EXPECT_THAT(error.what(), testing::HasSubstr("cuda_test.cpp:"));
  }
}

}  // namespace
}  // namespace ringtrain::kernels
