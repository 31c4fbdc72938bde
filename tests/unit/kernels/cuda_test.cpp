// SPDX-License-Identifier: Apache-2.0
// The CUDA drivers against the host's. Elements must have the same bits; norms are added up in
// another order.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

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

// Device memory that starts `offset` elements after an aligned place.
template <class Element>
class ShiftedOnDevice {
 public:
  ShiftedOnDevice(const std::vector<Element>& values, size_t offset)
      : offset_(offset), array_(Shifted<Element>(values, offset).memory()) {}
  Element* data() { return array_.data() + offset_; }
  std::vector<Element> values() const {
    const std::vector<Element> all = array_.to_host();
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
  constexpr float scale = 1.0F / 96;
  for (const size_t n : odd_sizes) {
    const std::vector<float> gradient = random_floats(n, 1);
    std::vector<Stored> expected(n);
    const GradientStats host = pack(gradient.data(), expected.data(), n, scale);
    const DeviceArray<double> partials(cuda::chunks_of(n) + 1);
    for (const size_t in_offset : offsets) {
      for (const size_t out_offset : offsets) {
        ShiftedOnDevice<float> in(gradient, in_offset);
        ShiftedOnDevice<Stored> out(std::vector<Stored>(n), out_offset);
        const DeviceArray<DeviceStats> stats(1);
        cuda::pack(in.data(), out.data(), n, scale, partials.data(), stats.data(), nullptr);
        expect_same_bits(out.values(), expected);
        const DeviceStats device = stats.to_host()[0];
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

TEST_F(Cuda, PacksATableOfTensorsAndFollowsThemWhenTheyMove) {
  std::vector<DeviceArray<float>> gradients;
  std::vector<DeviceArray<float>> moved;
  std::vector<cuda::ChunkTable::Tensor> tensors;
  std::vector<const float*> places;
  std::vector<float> expected;
  std::vector<float> expected_after;
  size_t offset = 0;
  for (const size_t n : odd_sizes) {
    const std::vector<float> first = random_floats(n, 1);
    const std::vector<float> second = random_floats(n, 2);
    gradients.emplace_back(first);
    moved.emplace_back(second);
    tensors.push_back({gradients.back().data(), n, offset});
    places.push_back(moved.back().data());
    for (const float g : first) expected.push_back(0.5F * g);
    for (const float g : second) expected_after.push_back(0.5F * g);
    offset += n;
  }
  cuda::ChunkTable table(tensors);
  const DeviceArray<float> slab(offset);
  const DeviceArray<float> scale = on_device(0.5F);
  const DeviceArray<DeviceStats> stats(1);
  cuda::pack(table, slab.data(), scale.data(), stats.data(), nullptr);
  expect_same_bits(slab.to_host(), expected);
  const double norm = squared_norm(expected.data(), offset);
  EXPECT_NEAR(stats.to_host()[0].squared_norm, norm, 1e-12 * norm);

  table.move_to(places, nullptr);
  cuda::pack(table, slab.data(), scale.data(), stats.data(), nullptr);
  expect_same_bits(slab.to_host(), expected_after);
}

TEST_F(Cuda, SumsPartsOfBf16AsTheHostDoes) {
  constexpr int parts = 3;
  for (const size_t n : odd_sizes) {
    const size_t stride = n + 5;
    std::vector<bf16> all(parts * stride);
    const std::vector<float> values = random_floats(all.size(), 15);
    for (size_t i = 0; i < all.size(); ++i) all[i] = to_bf16(values[i]);
    std::vector<const bf16*> sources;
    for (size_t r = 0; r < parts; ++r) sources.push_back(all.data() + r * stride);
    std::vector<float> expected(n);
    sum(sources, expected.data(), n);
    std::vector<bf16> expected_rounded(n);
    for (size_t i = 0; i < n; ++i) expected_rounded[i] = to_bf16(expected[i]);

    const DeviceArray<bf16> in(all);
    const DeviceArray<float> out(n);
    const DeviceArray<bf16> rounded(n);
    cuda::sum_parts(in.data(), parts, stride, n, out.data(), rounded.data(), nullptr);
    expect_same_bits(out.to_host(), expected);
    expect_same_bits(rounded.to_host(), expected_rounded);

    const DeviceArray<float> wide(n);
    cuda::widen(in.data(), n, wide.data(), nullptr);
    for (size_t i = 0; i < n; ++i) expected[i] = to_float(all[i]);
    expect_same_bits(wide.to_host(), expected);
  }
}

TEST_F(Cuda, SeesAValueThatIsNotFinite) {
  for (const size_t n : odd_sizes) {
    for (const size_t place : {size_t{0}, n / 2, n - 1}) {
      if (place >= n) continue;
      std::vector<float> values = random_floats(n, 3);
      values[place] = std::numeric_limits<float>::quiet_NaN();
      const DeviceArray<float> device(values);
      const DeviceArray<double> partials(cuda::chunks_of(n));
      const DeviceArray<DeviceStats> stats(1);
      cuda::squared_norm(device.data(), n, partials.data(), stats.data(), nullptr);
      EXPECT_EQ(stats.to_host()[0].finite, 0);
    }
  }
}

TEST_F(Cuda, StepsOfSgdHaveTheHostsBits) {
  for (const SgdStep& step :
       {SgdStep{.learning_rate = 0.1F, .weight_decay = 1e-3F},
        SgdStep{
            .learning_rate = 0.1F, .momentum = 0.9F, .weight_decay = 1e-3F, .nesterov = true}}) {
    for (const size_t n : odd_sizes) {
      for (const size_t offset : offsets) {
        std::vector<float> parameters = random_floats(n, 4);
        const std::vector<float> gradients = random_floats(n, 5);
        std::vector<float> momentum = random_floats(n, 6);
        ShiftedOnDevice<float> p(parameters, offset);
        ShiftedOnDevice<float> g(gradients, offset);
        ShiftedOnDevice<float> v(momentum, offset);
        const DeviceArray<SgdStep> factors = on_device(step);
        cuda::sgd_step(factors.data(), nullptr, p.data(), g.data(), v.data(), n, nullptr);
        sgd_step(step, parameters.data(), gradients.data(), momentum.data(), n);
        expect_same_bits(p.values(), parameters);
        expect_same_bits(v.values(), momentum);
      }
    }
  }
}

TEST_F(Cuda, StepsOfAdamwHaveTheHostsBits) {
  const AdamwStep step{.learning_rate = 0.01, .weight_decay = 0.05, .step = 3};
  for (const size_t n : odd_sizes) {
    std::vector<float> parameters = random_floats(n, 7);
    const std::vector<float> gradients = random_floats(n, 8);
    std::vector<float> m = random_floats(n, 9);
    std::vector<float> v(n, 0.25F);
    const DeviceArray<float> device_p(parameters);
    const DeviceArray<float> device_g(gradients);
    const DeviceArray<float> device_m(m);
    const DeviceArray<float> device_v(v);
    const DeviceArray<AdamwElement> factors = on_device(adamw_element(step));
    cuda::adamw_step(factors.data(), nullptr, device_p.data(), device_g.data(), device_m.data(),
                     device_v.data(), n, nullptr);
    adamw_step(step, parameters.data(), gradients.data(), m.data(), v.data(), n);
    expect_same_bits(device_p.to_host(), parameters);
    expect_same_bits(device_m.to_host(), m);
    expect_same_bits(device_v.to_host(), v);
  }
}

TEST_F(Cuda, StepsOfLarsEqualTheHostsTensorByTensor) {
  const LarsStep base{.learning_rate = 1, .momentum = 0.9F, .weight_decay = 1e-3F};
  const LarsRate rate{.trust = 0.01, .weight_decay = 1e-3};
  std::vector<cuda::LarsTable::Tensor> tensors;
  size_t total = 0;
  for (const size_t n : odd_sizes) {
    tensors.push_back({total, n, n != 1000});
    total += n;
  }
  std::vector<float> parameters = random_floats(total, 10);
  const std::vector<float> gradients = random_floats(total, 11);
  std::vector<float> momentum = random_floats(total, 12);
  const DeviceArray<float> p(parameters);
  const DeviceArray<float> g(gradients);
  const DeviceArray<float> v(momentum);
  const DeviceArray<cuda::LarsFactors> factors = on_device(cuda::LarsFactors{base, rate});
  const cuda::LarsTable table(tensors);
  table.step(factors.data(), nullptr, p.data(), g.data(), v.data(), nullptr);
  for (const auto& tensor : tensors) {
    LarsStep step = base;
    const float* of = gradients.data() + tensor.offset;
    if (tensor.adapts) {
      step.local_rate = rate(squared_norm(parameters.data() + tensor.offset, tensor.elements),
                             squared_norm(of, tensor.elements));
    }
    lars_step(step, parameters.data() + tensor.offset, of, momentum.data() + tensor.offset,
              tensor.elements);
  }
  const std::vector<float> result = p.to_host();
  for (size_t i = 0; i < total; ++i) ASSERT_NEAR(result[i], parameters[i], 1e-6);
}

TEST_F(Cuda, SkipsTheStepAfterAValueThatWasNotFinite) {
  const std::vector<float> parameters = random_floats(1000, 13);
  const DeviceArray<float> p(parameters);
  const DeviceArray<float> g(random_floats(1000, 14));
  const DeviceArray<SgdStep> factors = on_device(SgdStep{.learning_rate = 1});
  const DeviceArray<DeviceStats> bad = on_device(DeviceStats{0, 0});
  cuda::sgd_step(factors.data(), bad.data(), p.data(), g.data(), nullptr, 1000, nullptr);
  expect_same_bits(p.to_host(), parameters);
}

TEST_F(Cuda, NormalisesAndAugmentsAsTheHostDoes) {
  const std::vector<float> mean{0.4914F, 0.4822F, 0.4465F};
  const std::vector<float> deviation{0.2470F, 0.2435F, 0.2616F};
  std::vector<NormaliseElement> elements;
  for (size_t c = 0; c < 3; ++c) {
    elements.push_back(normalise_element(mean[c], deviation[c], 255));
  }
  const DeviceArray<NormaliseElement> channels(elements);
  constexpr size_t rows = 33;
  for (const Image& image : {Image{3, 32, 32}, Image{3, 5, 7}, Image{3, 1, 1}}) {
    for (const Augment& augment : {Augment{}, Augment{4, true, 7, 3}, Augment{40, true, 7, 3}}) {
      const size_t n = rows * 3 * image.height * image.width;
      std::vector<uint8_t> samples(n);
      for (size_t i = 0; i < n; ++i) samples[i] = static_cast<uint8_t>(mix(i));
      std::vector<float> expected(n);
      input_batch(samples.data(), expected.data(), rows, image, mean, deviation, augment, 1000);
      const DeviceArray<uint8_t> in(samples);
      const DeviceArray<float> out(n);
      const DeviceArray<cuda::BatchPlace> place = on_device(cuda::BatchPlace{augment, 1000});
      cuda::input_batch(in.data(), out.data(), rows, image, channels.data(), place.data(), nullptr);
      expect_same_bits(out.to_host(), expected);
    }
  }
}

TEST_F(Cuda, ReportsCallFileAndLine) {
  try {
    check_cuda(cudaErrorInvalidValue);
    FAIL();
  } catch (const CudaError& error) {
    EXPECT_EQ(error.code(), cudaErrorInvalidValue);
    EXPECT_THAT(std::string(error.what()), testing::HasSubstr("cuda_test.cpp:"));
  }
}

}  // namespace
}  // namespace ringtrain::kernels
