// SPDX-License-Identifier: Apache-2.0
// Several steps of each optimizer against the same in double, written down from the papers and
// PyTorch's documentation.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/adamw.hpp"
#include "kernels/lars.hpp"
#include "kernels/sgd.hpp"
#include "kernels/sum.hpp"
#include "tests/unit/kernels/samples.hpp"

namespace ringtrain::kernels {
namespace {

constexpr int kSteps = 5;

std::vector<double> in_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

std::vector<float> gradients_of(size_t n, int step) {
  return random_floats(n, static_cast<uint32_t>(100 + step), 0.1F);
}

void expect_close(const std::vector<float>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], expected[i], 2e-6 * (1 + std::abs(expected[i]))) << i;
  }
}

// torch.optim.SGD: the buffer is a copy of the first gradient.
class ReferenceSgd {
 public:
  ReferenceSgd(const SgdStep& option, const std::vector<float>& start)
      : parameters(in_double(start)), step_(option) {}

  void step(const std::vector<float>& gradients) {
    if (buffer_.empty()) buffer_.resize(parameters.size(), std::nan(""));
    for (size_t i = 0; i < parameters.size(); ++i) {
      double g = double{step_.gradient_scale} * gradients[i] + step_.weight_decay * parameters[i];
      if (step_.momentum != 0) {
        buffer_[i] = first_ ? g : step_.momentum * buffer_[i] + g;
        g = step_.nesterov ? g + step_.momentum * buffer_[i] : buffer_[i];
      }
      parameters[i] -= step_.learning_rate * g;
    }
    first_ = false;
  }

  std::vector<double> parameters;

 private:
  SgdStep step_;
  std::vector<double> buffer_;
  bool first_ = true;
};

TEST(Sgd, EqualsTheReferenceForEverySizeAndOption) {
  const SgdStep options[] = {
      {.learning_rate = 0.1F},
      {.learning_rate = 0.1F, .weight_decay = 0.01F, .gradient_scale = 0.25F},
      {.learning_rate = 0.1F, .momentum = 0.9F, .weight_decay = 5e-4F},
      {.learning_rate = 0.1F, .momentum = 0.9F, .weight_decay = 5e-4F, .nesterov = true},
      {.learning_rate = 0.1F, .momentum = 0.5F, .nesterov = true, .gradient_scale = 0.5F},
  };
  for (const size_t n : kOddSizes) {
    for (const SgdStep& option : options) {
      std::vector<float> parameters = random_floats(n, 6);
      std::vector<float> momentum(n, 0.0F);
      ReferenceSgd reference(option, parameters);
      for (int step = 0; step < kSteps; ++step) {
        const std::vector<float> gradients = gradients_of(n, step);
        sgd_step(option, parameters.data(), gradients.data(), momentum.data(), n);
        reference.step(gradients);
      }
      expect_close(parameters, reference.parameters);
    }
  }
}

TEST(Sgd, NeedsNoBufferWithoutMomentum) {
  std::vector<float> parameters{1, 2, 3};
  const std::vector<float> gradients{1, 1, 1};
  sgd_step({.learning_rate = 0.5F}, parameters.data(), gradients.data(), nullptr, 3);
  EXPECT_EQ(parameters, (std::vector<float>{0.5F, 1.5F, 2.5F}));
}

TEST(Sgd, GivesTheSameBitsAtEveryAlignmentAndCut) {
  constexpr size_t kElements = 1000;
  const SgdStep option{
      .learning_rate = 0.1F, .momentum = 0.9F, .weight_decay = 1e-3F, .nesterov = true};
  const std::vector<float> start = random_floats(kElements, 7);
  const std::vector<float> gradients = gradients_of(kElements, 0);
  std::vector<float> expected = start;
  std::vector<float> momentum = random_floats(kElements, 8);
  Shifted<float> shifted_momentum(momentum, 5);
  sgd_step(option, expected.data(), gradients.data(), momentum.data(), kElements);

  Shifted<float> parameters(start, 1);
  Shifted<float> shifted_gradients(gradients, 3);
  for (size_t first = 0; first < kElements; first += 77) {
    sgd_step(option, parameters.data() + first, shifted_gradients.data() + first,
             shifted_momentum.data() + first, std::min<size_t>(77, kElements - first));
  }
  EXPECT_EQ(parameters.values(), expected);
  EXPECT_EQ(shifted_momentum.values(), momentum);
}

TEST(Sgd, FromSeveralSourcesHasTheBitsOfASumAndAStep) {
  for (const float factor : {0.0F, 0.9F}) {
    const SgdStep option{.learning_rate = 0.1F, .momentum = factor, .weight_decay = 1e-3F};
    for (const size_t n : kOddSizes) {
      for (size_t count = 1; count <= 6; ++count) {
        std::vector<std::vector<float>> sources;
        std::vector<const float*> pointers;
        sources.reserve(count);
        pointers.reserve(count);
        for (size_t s = 0; s < count; ++s) sources.push_back(gradients_of(n, static_cast<int>(s)));
        for (const auto& source : sources) pointers.push_back(source.data());
        std::vector<float> total(n);
        std::vector<float> expected = random_floats(n, 13);
        std::vector<float> parameters = expected;
        std::vector<float> expected_momentum = random_floats(n, 14);
        std::vector<float> momentum = expected_momentum;
        sum(pointers, total.data(), n);
        sgd_step(option, expected.data(), total.data(), expected_momentum.data(), n);
        sgd_step_from(option, pointers, parameters.data(), momentum.data(), n);
        ASSERT_EQ(parameters, expected) << n << " elements of " << count << " sources";
        ASSERT_EQ(momentum, expected_momentum);
      }
    }
  }
}

TEST(Adamw, EqualsTheReferenceForEverySize) {
  for (const size_t n : kOddSizes) {
    AdamwStep option{.learning_rate = 0.01, .weight_decay = 0.05, .gradient_scale = 0.5};
    std::vector<float> parameters = random_floats(n, 9);
    std::vector<double> expected = in_double(parameters);
    std::vector<float> m(n, 0.0F);
    std::vector<float> v(n, 0.0F);
    std::vector<double> reference_m(n, 0.0);
    std::vector<double> reference_v(n, 0.0);
    for (int step = 1; step <= kSteps; ++step) {
      option.step = step;
      const std::vector<float> gradients = gradients_of(n, step);
      adamw_step(option, parameters.data(), gradients.data(), m.data(), v.data(), n);
      for (size_t i = 0; i < n; ++i) {
        const double g = option.gradient_scale * gradients[i];
        reference_m[i] = option.beta1 * reference_m[i] + (1 - option.beta1) * g;
        reference_v[i] = option.beta2 * reference_v[i] + (1 - option.beta2) * g * g;
        const double unbiased_m = reference_m[i] / (1 - std::pow(option.beta1, step));
        const double unbiased_v = reference_v[i] / (1 - std::pow(option.beta2, step));
        expected[i] -= option.learning_rate * option.weight_decay * expected[i];
        expected[i] -= option.learning_rate * unbiased_m / (std::sqrt(unbiased_v) + option.epsilon);
      }
    }
    expect_close(parameters, expected);
  }
}

TEST(Lars, EqualsTheReferenceForEverySize) {
  const LarsRate rate{.trust = 0.01, .weight_decay = 1e-3, .epsilon = 1e-9, .gradient_scale = 0.5};
  for (const size_t n : kOddSizes) {
    LarsStep option{
        .learning_rate = 2, .momentum = 0.9F, .weight_decay = 1e-3F, .gradient_scale = 0.5F};
    std::vector<float> parameters = random_floats(n, 11);
    std::vector<double> expected = in_double(parameters);
    std::vector<float> momentum(n, 0.0F);
    std::vector<double> reference_momentum(n, 0.0);
    for (int step = 0; step < kSteps; ++step) {
      const std::vector<float> gradients = gradients_of(n, step);
      option.local_rate =
          rate(squared_norm(parameters.data(), n), squared_norm(gradients.data(), n));
      lars_step(option, parameters.data(), gradients.data(), momentum.data(), n);

      double parameters_norm = 0;
      double gradients_norm = 0;
      for (size_t i = 0; i < n; ++i) {
        parameters_norm += expected[i] * expected[i];
        gradients_norm += 0.25 * gradients[i] * gradients[i];
      }
      parameters_norm = std::sqrt(parameters_norm);
      gradients_norm = std::sqrt(gradients_norm);
      const double local =
          0.01 * parameters_norm / (gradients_norm + 1e-3 * parameters_norm + 1e-9);
      for (size_t i = 0; i < n; ++i) {
        const double g = 0.5 * gradients[i] + 1e-3 * expected[i];
        reference_momentum[i] = double{0.9F} * reference_momentum[i] + 2 * local * g;
        expected[i] -= reference_momentum[i];
      }
    }
    expect_close(parameters, expected);
  }
}

TEST(Lars, MovesATensorOfZerosAtTheGlobalRate) {
  const LarsRate rate{.trust = 0.001};
  EXPECT_EQ(rate(0, 4), 1);
  EXPECT_EQ(rate(4, 0), 1);
  EXPECT_FLOAT_EQ(rate(4, 16), 0.0005F);
}

TEST(SquaredNorm, EqualsASumInDouble) {
  for (const size_t n : kOddSizes) {
    const std::vector<float> values = random_floats(n, 12);
    double expected = 0;
    for (const float value : values) expected += double{value} * value;
    EXPECT_NEAR(squared_norm(values.data(), n), expected, 1e-13 * expected);
  }
}

}  // namespace
}  // namespace ringtrain::kernels
