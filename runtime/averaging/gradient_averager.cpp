// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/gradient_averager.hpp"

#include <algorithm>
#include <limits>

#include "runtime/averaging/gradient_hook.hpp"

namespace ringtrain {
namespace {

// A gradient whose squared norm is below this has no element above max/P, so the sum over P ranks
// is finite where every rank's part is: testing the parts is enough, and it is done before anything
// is updated.
double largest_squared_norm(int world_size) {
  const double largest = static_cast<double>(std::numeric_limits<float>::max()) / world_size;
  return largest * largest;
}

}  // namespace

GradientAverager::GradientAverager(Model& model, const SlabLayout& layout,
                                   const std::vector<Range>& buckets, int world_size,
                                   Communicator& communicator, Exchange& exchange, Device& device)
    : parameters_(model.parameters()),
      layout_(layout),
      buckets_(buckets),
      communicator_(communicator),
      exchange_(exchange),
      device_(device),
      largest_squared_norm_(largest_squared_norm(world_size)),
      stored_(parameters_.size()) {
  spread_initial_parameters();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    set_gradient_hook(parameters_[i].tensor, [this, i] { on_ready(i); });
  }
}

GradientAverager::~GradientAverager() {
  // The parameters outlive the slab: they get memory of their own again.
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_) {
    set_gradient_hook(parameter, {});
    parameter.set_data(parameter.detach().clone());
  }
}

void GradientAverager::spread_initial_parameters() {
  const torch::NoGradGuard no_grad;
  const auto view = [&](size_t i) {
    const auto& tensor = parameters_[i].tensor;
    return torch::from_blob(communicator_.parameters() + layout_.parameter(i).begin, tensor.sizes(),
                            tensor.options().requires_grad(false));
  };
  if (communicator_.is_first()) {
    for (size_t i = 0; i < parameters_.size(); ++i) view(i).copy_(parameters_[i].tensor);
  }
  exchange_.spread_parameters();
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_[i].tensor.set_data(view(i));
}

void GradientAverager::begin(float scale) {
  active_ = true;
  scale_ = scale;
  complete_ = 0;
  written_ = 0;
  tickets_.clear();
  packed_.clear();
  std::fill(stored_.begin(), stored_.end(), false);
}

std::vector<size_t> GradientAverager::store_aside(float scale,
                                                  const std::function<void()>& backward) {
  begin(scale);
  aside_ = true;
  try {
    backward();
    store_missing();
  } catch (...) {
    aside_ = active_ = false;
    throw;
  }
  aside_ = active_ = false;
  return packed_;
}

void GradientAverager::replayed(const std::vector<size_t>& arrived) {
  packed_ = arrived;
  tickets_.clear();
  std::fill(stored_.begin(), stored_.end(), true);
  if (!communicator_.overlaps()) return;
  for (const Range& bucket : buckets_) tickets_.push_back(exchange_.reduce_written(bucket));
}

bool GradientAverager::finish(SumSlots& slots) {
  store_missing();
  active_ = false;
  find_culprit();
  const auto not_finite = slots.add("not finite", culprit_.empty() ? 0 : 1);
  exchange_.sum(slots.values());
  const bool finite = slots[not_finite] == 0;
  if (!finite) {
    for (const auto ticket : tickets_) exchange_.wait(ticket);
  }
  return finite;
}

void GradientAverager::wait(size_t bucket) {
  exchange_.wait(communicator_.overlaps() ? tickets_[bucket] : exchange_.reduce(buckets_[bucket]));
}

void GradientAverager::on_ready(size_t parameter) {
  if (active_) store(parameter);
}

// What the pass did not reach has no gradient in this step.
void GradientAverager::store_missing() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!stored_[i]) store(i);
  }
}

void GradientAverager::store(size_t i) {
  if (auto* wire = communicator_.wire()) {
    store_in(wire, i);
  } else {
    store_in(communicator_.gradients(), i);
  }
  stored_[i] = true;
  if (communicator_.overlaps()) pass_on_complete_buckets();
}

template <class Element>
void GradientAverager::store_in(Element* slab, size_t i) {
  const Range range = layout_.parameter(i);
  torch::Tensor& gradient = parameters_[i].tensor.mutable_grad();
  if (gradient.defined()) {
    device_.pack(gradient, slab + range.begin, scale_);
    packed_.push_back(i);
    gradient.reset();
  } else {
    device_.fill_zero(slab + range.begin, range.size() * sizeof(Element));
  }
}

void GradientAverager::find_culprit() {
  culprit_.clear();
  const auto stats = device_.collect_stats();
  for (size_t k = 0; k < stats.size() && culprit_.empty(); ++k) {
    const bool fits = stats[k].finite && stats[k].squared_norm <= largest_squared_norm_;
    if (!fits) culprit_ = parameters_[packed_[k]].name;
  }
}

void GradientAverager::pass_on_complete_buckets() {
  const auto& order = layout_.order();
  while (complete_ < order.size() && stored_[order[complete_]]) ++complete_;
  const size_t end =
      complete_ == order.size() ? layout_.elements() : layout_.parameter(order[complete_]).begin;
  for (; written_ < buckets_.size() && buckets_[written_].end <= end; ++written_) {
    if (aside_) {
      communicator_.written(buckets_[written_]);
    } else {
      tickets_.push_back(exchange_.reduce(buckets_[written_]));
    }
  }
}

}  // namespace ringtrain
