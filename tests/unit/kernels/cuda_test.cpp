// SPDX-License-Identifier: Apache-2.0
// The CUDA drivers against the host's: elements must have the same bits.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "kernels/lars.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/optimizers_cuda.hpp"
#include "kernels/sum.hpp"
#include "kernels/sum_cuda.hpp"
#include "tests/unit/kernels/on_device.hpp"

namespace ringtrain::kernels {
namespace {

// Grids end at 132 x 16 blocks: from there on a thread takes several groups of elements.
TEST_F(Cuda, TakesMoreElementsThanAGridHasThreads) {
  constexpr size_t kElements = 2 * 132 * 16 * 256 * 8 + 3;
  const std::vector<float> gradients = random_floats(kElements, 20);
  std::vector<float> parameters = random_floats(kElements, 21);
  const DeviceArray<float> g(gradients), p(parameters);
  const SgdStep step = {.learning_rate = 0.1F};
  cuda::sgd_step(step, p.data(), g.data(), nullptr, kElements, nullptr);
  sgd_step(step, parameters.data(), gradients.data(), nullptr, kElements);
  expect_same_bits(to_host(p), parameters);

  std::vector<bf16> halves(kElements);
  std::vector<float> wide(kElements);
  for (size_t i = 0; i < kElements; ++i) {
    halves[i] = to_bf16(gradients[i]);
    wide[i] = to_float(halves[i]);
  }
  const DeviceArray<bf16> from(halves);
  cuda::widen(from.data(), kElements, p.data(), nullptr);
  expect_same_bits(to_host(p), wide);
}

TEST_F(Cuda, SumsPartsOfBf16AsTheHostDoes) {
  constexpr int kParts = 3;
  for (const size_t n : kOddSizes) {
    for (const size_t stride : {n + 5, (n + 8) / 8 * 8}) {
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

// A shard of the optimizer's state may begin where parameters do not.
TEST_F(Cuda, StepsOfArraysThatAreAlignedDifferentlyHaveTheHostsBits) {
  const SgdStep step{.learning_rate = 0.1F, .momentum = 0.9F};
  for (const size_t n : kOddSizes) {
    std::vector<float> parameters = random_floats(n, 4);
    const std::vector<float> gradients = random_floats(n, 5);
    std::vector<float> momentum = random_floats(n, 6);
    ShiftedOnDevice<float> p(parameters, 0), g(gradients, 1), v(momentum, 2);
    cuda::sgd_step(step, p.data(), g.data(), v.data(), n, nullptr);
    sgd_step(step, parameters.data(), gradients.data(), momentum.data(), n);
    expect_same_bits(p.values(), parameters);
    expect_same_bits(v.values(), momentum);
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

TEST_F(Cuda, StepsAreSkippedWhereTheDeviceSaysSo) {
  const std::vector<float> before = random_floats(1000, 7);
  const DeviceArray<float> gradients(random_floats(1000, 8));
  for (const int skip : {0, 1}) {
    const DeviceArray<int> flag(std::vector<int>{skip});
    const DeviceArray<float> sgd(before), adamw(before);
    const DeviceArray<float> m(std::vector<float>(1000)), v(std::vector<float>(1000));
    cuda::sgd_step({.learning_rate = 0.1F}, sgd.data(), gradients.data(), nullptr, 1000, nullptr,
                   flag.data());
    cuda::adamw_step({.learning_rate = 0.1}, adamw.data(), gradients.data(), m.data(), v.data(),
                     1000, nullptr, flag.data());
    EXPECT_EQ(to_host(sgd) == before, skip == 1);
    EXPECT_EQ(to_host(adamw) == before, skip == 1);
    EXPECT_EQ(to_host(v) == std::vector<float>(1000), skip == 1);
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
    for (const Augment& augment :
         {Augment{}, Augment{4, true, 7, 3}, Augment{40, true, 7, 3},
          Augment{0, true, 7, 3, 0.1F, 1.5F}, Augment{2, true, 7, 3, 1, 1, 0.4F, 0.4F, 0.4F, 0.5F},
          Augment{0, true, 7, 3, 0.1F, 1.5F, 0.4F, 0.4F, 0.4F, 0.5F}}) {
      const size_t n = kRows * 3 * image.height * image.width;
      std::vector<uint8_t> samples(n);
      for (size_t i = 0; i < n; ++i) samples[i] = static_cast<uint8_t>(mix(i));
      std::vector<float> expected(n);
      input_batch(samples.data(), expected.data(), kRows, image, mean, deviation, augment, 1000);
      const DeviceArray<uint8_t> in(samples);
      const DeviceArray<float> out(n);
      cuda::input_batch(in.data(), out.data(), kRows, image, channels.data(), {augment, 1000},
                        nullptr);
      expect_same_bits(to_host(out), expected);
    }
  }
}

// A grid has at most 65,535 rows of blocks: some take two samples.
TEST_F(Cuda, NormalisesMoreSamplesThanAGridHasRows) {
  constexpr size_t kRows = 70'000;
  const DeviceArray<NormaliseElement> channels(
      std::vector<NormaliseElement>{normalise_element(0.5F, 0.25F, 255)});
  std::vector<uint8_t> samples(kRows);
  for (size_t i = 0; i < kRows; ++i) samples[i] = static_cast<uint8_t>(mix(i));
  std::vector<float> expected(kRows);
  input_batch(samples.data(), expected.data(), kRows, {1, 1, 1}, std::vector<float>{0.5F},
              std::vector<float>{0.25F}, {}, 0);
  const DeviceArray<uint8_t> in(samples);
  const DeviceArray<float> out(kRows);
  cuda::input_batch(in.data(), out.data(), kRows, {1, 1, 1}, channels.data(), {}, nullptr);
  expect_same_bits(to_host(out), expected);
}

TEST_F(Cuda, LeavesNoErrorBehind) {
  void* memory = nullptr;
  EXPECT_THROW(check_cuda(cudaMalloc(&memory, size_t{1} << 50)), Error);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
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
