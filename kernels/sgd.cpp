// SPDX-License-Identifier: Apache-2.0
#include "kernels/sgd.hpp"

#include <stdexcept>
#include <vector>

#include "kernels/host_loops.hpp"
#include "kernels/sum.hpp"
#include "kernels/sum_of.hpp"

namespace ringtrain::kernels {
namespace {

RINGTRAIN_HOST_VARIANTS
void step_with_momentum(const SgdStep& step, float* __restrict parameters,
                        const float* __restrict gradients, float* __restrict momentum, size_t n) {
  const SgdElement element{step};
  update_shared(parameters, n, [=](size_t i) RINGTRAIN_INLINE {
    element(parameters[i], gradients[i], momentum[i]);
  });
}

RINGTRAIN_HOST_VARIANTS
void step_without_momentum(const SgdStep& step, float* __restrict parameters,
                           const float* __restrict gradients, size_t n) {
  const SgdElement element{step};
  update_shared(parameters, n,
                [=](size_t i) RINGTRAIN_INLINE { element(parameters[i], gradients[i]); });
}

template <size_t count>
inline RINGTRAIN_INLINE void step_from_few(const SgdElement& element, const float* const* sources,
                                           float* __restrict parameters, float* __restrict momentum,
                                           size_t n) {
  const SumOf<count, float> gradient(sources);
  if (element.step.momentum == 0) {
    update_shared(parameters, n,
                  [=](size_t i) RINGTRAIN_INLINE { element(parameters[i], gradient(i)); });
  } else {
    update_shared(parameters, n, [=](size_t i) RINGTRAIN_INLINE {
      element(parameters[i], gradient(i), momentum[i]);
    });
  }
}

RINGTRAIN_HOST_VARIANTS
void step_from_two(const SgdStep& step, const float* const* sources, float* parameters,
                   float* momentum, size_t n) {
  step_from_few<2>(SgdElement{step}, sources, parameters, momentum, n);
}

RINGTRAIN_HOST_VARIANTS
void step_from_three(const SgdStep& step, const float* const* sources, float* parameters,
                     float* momentum, size_t n) {
  step_from_few<3>(SgdElement{step}, sources, parameters, momentum, n);
}

RINGTRAIN_HOST_VARIANTS
void step_from_four(const SgdStep& step, const float* const* sources, float* parameters,
                    float* momentum, size_t n) {
  step_from_few<4>(SgdElement{step}, sources, parameters, momentum, n);
}

// Any number: block by block, the sum of a block in the cache.
void step_from_many(const SgdStep& step, std::span<const float* const> sources, float* parameters,
                    float* momentum, size_t n) {
  std::vector<const float*> rest(sources.begin(), sources.end());
  float total[kNormBlockElements];
  for (size_t first = 0; first < n; first += kNormBlockElements) {
    const size_t width = std::min(kNormBlockElements, n - first);
    sum(rest, total, width, {}, Measure::finite);
    sgd_step(step, parameters + first, total, momentum == nullptr ? nullptr : momentum + first,
             width);
    for (const float*& source : rest) source += width;
  }
}

}  // namespace

void sgd_step_from(const SgdStep& step, std::span<const float* const> sources, float* parameters,
                   float* momentum, size_t n) {
  switch (sources.size()) {
    case 0:
      throw std::invalid_argument("kernels::sgd_step_from needs at least one source");
    case 1:
      return sgd_step(step, parameters, sources[0], momentum, n);
    case 2:
      return step_from_two(step, sources.data(), parameters, momentum, n);
    case 3:
      return step_from_three(step, sources.data(), parameters, momentum, n);
    case 4:
      return step_from_four(step, sources.data(), parameters, momentum, n);
    default:
      return step_from_many(step, sources, parameters, momentum, n);
  }
}

void sgd_step(const SgdStep& step, float* parameters, const float* gradients, float* momentum,
              size_t n) {
  if (step.momentum == 0) {
    step_without_momentum(step, parameters, gradients, n);
  } else {
    step_with_momentum(step, parameters, gradients, momentum, n);
  }
}

}  // namespace ringtrain::kernels
