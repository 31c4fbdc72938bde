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

Optimizer::Optimizer(const OptimizerSpec& spec, double clip_norm, const SlabLayout& layout,
                     const std::vector<Range>& buckets, std::vector<int64_t> dimensions,
                     Communicator& communicator, Exchange& exchange, Device& device)
    : spec_(spec),
      clip_norm_(clip_norm),
      layout_(layout),
      buckets_(buckets),
      dimensions_(std::move(dimensions)),
      communicator_(communicator),
      exchange_(exchange),
      device_(device) {
  size_t state = 0;
  for (const Range& bucket : buckets) {
    const Range range = communicator.share(bucket);
    shares_.push_back({range, state});
    state += range.size();
  }
  if (spec.type == OptimizerSpec::Type::sgd && clip_norm == 0) addends_ = communicator.slabs();
  const bool plain_sgd = spec.type == OptimizerSpec::Type::sgd && spec.momentum == 0;
  if (!plain_sgd) momentum_ = device.allocate_zeros(state);
  if (spec.type == OptimizerSpec::Type::adamw) variance_ = device.allocate_zeros(state);
}

void Optimizer::step(GradientAverager& averager, double learning_rate) {
  ++steps_;
  const bool lars = spec_.type == OptimizerSpec::Type::lars;
  if (lars || clip_norm_ > 0) {
    for (size_t b = 0; b < shares_.size(); ++b) averager.wait(b);
    const double scale = clip_scale();
    if (lars) {
      update_lars(learning_rate, scale);
    } else {
      for (const Share& share : shares_) update(share, learning_rate, scale);
    }
  } else {
    for (size_t b = 0; b < shares_.size(); ++b) {
      if (addends_.empty()) averager.wait(b);
      update(shares_[b], learning_rate, 1);
    }
  }
  exchange_.publish(buckets_);
}

std::vector<std::string> Optimizer::state_names() const {
  if (variance_) return {"mean", "variance"};
  if (momentum_) return {"momentum"};
  return {};
}

float* Optimizer::state(size_t name, size_t bucket) {
  return (name == 0 ? momentum_ : variance_).get() + shares_[bucket].state;
}

double Optimizer::clip_scale() {
  if (clip_norm_ <= 0) return 1;
  double squared = 0;
  for (const Share& share : shares_) {
    squared +=
        device_.squared_norm(communicator_.gradients() + share.range.begin, share.range.size());
  }
  exchange_.sum_over_shares({&squared, 1});
  const double norm = std::sqrt(squared);
  return norm > clip_norm_ ? clip_norm_ / norm : 1;
}

void Optimizer::update(const Share& share, double learning_rate, double gradient_scale) {
  float* parameters = communicator_.parameters() + share.range.begin;
  const float* gradients = communicator_.gradients() + share.range.begin;
  float* momentum = momentum_ ? momentum_.get() + share.state : nullptr;
  if (spec_.type == OptimizerSpec::Type::adamw) {
    const kernels::AdamwStep step = {.learning_rate = learning_rate,
                                     .beta1 = spec_.beta1,
                                     .beta2 = spec_.beta2,
                                     .epsilon = spec_.epsilon,
                                     .weight_decay = spec_.weight_decay,
                                     .step = steps_,
                                     .gradient_scale = gradient_scale};
    device_.adamw_step(step, parameters, gradients, momentum, variance_.get() + share.state,
                       share.range.size());
  } else {
    const kernels::SgdStep step = {.learning_rate = static_cast<float>(learning_rate),
                                   .momentum = static_cast<float>(spec_.momentum),
                                   .weight_decay = static_cast<float>(spec_.weight_decay),
                                   .nesterov = spec_.nesterov,
                                   .gradient_scale = static_cast<float>(gradient_scale)};
    if (addends_.empty()) {
      device_.sgd_step(step, parameters, gradients, momentum, share.range.size());
      return;
    }
    std::vector<const float*> sources = addends_;
    for (const float*& source : sources) source += share.range.begin;
    kernels::sgd_step_from(step, sources, parameters, momentum, share.range.size());
  }
}

void Optimizer::update_lars(double learning_rate, double gradient_scale) {
  // Every parameter's norms, from all shares of it: [parameter], then [gradient].
  const size_t count = dimensions_.size();
  std::vector<double> norms(2 * count);
  const auto for_each_part = [&](const auto& f) {
    for (const Share& share : shares_) {
      for (size_t i = 0; i < count; ++i) {
        const Range part = intersection(share.range, layout_.parameter(i));
        if (part.size() > 0) f(i, part, share.state + part.begin - share.range.begin);
      }
    }
  };
  for_each_part([&](size_t i, Range part, size_t) {
    norms[i] += device_.squared_norm(communicator_.parameters() + part.begin, part.size());
    norms[count + i] += device_.squared_norm(communicator_.gradients() + part.begin, part.size());
  });
  exchange_.sum_over_shares(norms);

  const kernels::LarsRate rate = {.trust = spec_.trust,
                                  .weight_decay = spec_.weight_decay,
                                  .epsilon = spec_.epsilon,
                                  .gradient_scale = gradient_scale};
  for_each_part([&](size_t i, Range part, size_t state) {
    const bool scaled = dimensions_[i] > 1;
    const kernels::LarsStep step = {
        .learning_rate = static_cast<float>(learning_rate),
        .local_rate = scaled ? rate(norms[i], norms[count + i]) : 1.0F,
        .momentum = static_cast<float>(spec_.momentum),
        .weight_decay = scaled ? static_cast<float>(spec_.weight_decay) : 0.0F,
        .gradient_scale = static_cast<float>(gradient_scale)};
    device_.lars_step(step, communicator_.parameters() + part.begin,
                      communicator_.gradients() + part.begin, momentum_.get() + state, part.size());
  });
}

}  // namespace ringtrain
