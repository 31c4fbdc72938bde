// SPDX-License-Identifier: Apache-2.0
#include "runtime/optim/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ringtrain {
namespace {

Range intersection(Range a, Range b) {
  const size_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace

Optimizer::Optimizer(const OptimizerSpec& spec, double clip_norm, const ParameterSpace& space,
                     std::vector<int64_t> dimensions, CommunicationThread& thread, Device& device)
    : rule_(make_update_rule(spec, device)),
      clip_norm_(clip_norm),
      space_(space),
      dimensions_(std::move(dimensions)),
      thread_(thread),
      slabs_(thread.collectives().slabs()),
      updates_at_once_(device.torch().is_cuda() && thread.collectives().size() == 1) {
  size_t elements = 0;
  for (const Range& share : space.shares) {
    state_offsets_.push_back(elements);
    elements += share.size();
  }
  for (size_t k = 0; k < rule_.states.size(); ++k) {
    states_.push_back(device.allocate_zeros(elements));
  }
}

bool Optimizer::starts_early() const {
  return thread_.collectives().size() == 1 && !rule_.per_tensor && clip_norm_ == 0;
}

void Optimizer::start(const int* unusable, double learning_rate) {
  skip_ = unusable;
  update_shares({.learning_rate = learning_rate, .step = ++steps_});
  skip_ = nullptr;
}

void Optimizer::step(GradientSchedule& gradients, double learning_rate) {
  UpdateFactors factors = {.learning_rate = learning_rate, .step = ++steps_};
  const size_t buckets = space_.buckets.size();
  if (!rule_.per_tensor && clip_norm_ == 0 && !updates_at_once_) {
    for (size_t b = 0; b < buckets; ++b) {
      update(b, space_.shares[b], gradients.wait(b), factors, {});
    }
  } else {
    for (size_t b = 0; b < buckets; ++b) gradients.wait(b);
    factors.gradient_scale = clip_scale();
    rule_.per_tensor ? update_tensors(factors) : update_shares(factors);
  }
  thread_.all_gather(space_.buckets);
}

void Optimizer::update_shares(const UpdateFactors& factors) {
  const float* sums = slabs_.gradients;
  if (updates_at_once_) {
    if (!space_.buckets.empty()) update(0, space_.all(), {&sums, 1}, factors, {});
    return;
  }
  for (size_t b = 0; b < space_.buckets.size(); ++b) {
    update(b, space_.shares[b], {&sums, 1}, factors, {});
  }
}

double Optimizer::clip_scale() {
  if (clip_norm_ <= 0) return 1;
  std::vector<std::span<const float>> shares;
  for (const Range& share : space_.shares) {
    shares.emplace_back(slabs_.gradients + share.begin, share.size());
  }
  double squared = 0;
  for (const double norm : rule_.squared_norms(shares)) squared += norm;
  thread_.all_reduce({&squared, 1}, Over::shares);
  const double norm = std::sqrt(squared);
  return norm > clip_norm_ ? clip_norm_ / norm : 1;
}

// Updates a range of this rank's share of a bucket.
void Optimizer::update(size_t bucket, Range range, std::span<const float* const> slabs,
                       const UpdateFactors& factors, const TensorFacts& tensor) {
  gradients_.assign(slabs.begin(), slabs.end());
  for (const float*& gradient : gradients_) gradient += range.begin;
  UpdateArrays arrays = {.parameters = slabs_.parameters + range.begin,
                         .gradients = gradients_,
                         .states = {},
                         .n = range.size(),
                         .skip = skip_};
  for (size_t k = 0; k < states_.size(); ++k) {
    arrays.states[k] = state(k, bucket) + (range.begin - space_.shares[bucket].begin);
  }
  rule_.step(factors, arrays, tensor);
}

void Optimizer::update_tensors(const UpdateFactors& factors) {
  // Every parameter's norms, from all shares of it: [parameter], then [gradient].
  const size_t count = dimensions_.size();
  std::vector<double> norms(2 * count);
  const auto for_each_part = [&](const auto& visit) {
    for (size_t b = 0; b < space_.shares.size(); ++b) {
      for (size_t i = 0; i < count; ++i) {
        const Range part = intersection(space_.shares[b], space_.layout.parameter(i));
        if (part.size() > 0) visit(b, i, part);
      }
    }
  };
  std::vector<std::span<const float>> arrays;
  std::vector<size_t> norm_of;  // by array
  for_each_part([&](size_t, size_t i, Range part) {
    arrays.emplace_back(slabs_.parameters + part.begin, part.size());
    norm_of.push_back(i);
    arrays.emplace_back(slabs_.gradients + part.begin, part.size());
    norm_of.push_back(count + i);
  });
  const std::vector<double> found = rule_.squared_norms(arrays);
  for (size_t k = 0; k < arrays.size(); ++k) norms[norm_of[k]] += found[k];
  thread_.all_reduce(norms, Over::shares);
  const float* sums = slabs_.gradients;
  for_each_part([&](size_t b, size_t i, Range part) {
    const TensorFacts tensor = {.dimensions = dimensions_[i],
                                .parameters_squared_norm = norms[i],
                                .gradients_squared_norm = norms[count + i]};
    update(b, part, {&sums, 1}, factors, tensor);
  });
}

}  // namespace ringtrain
