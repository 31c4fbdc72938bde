// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/gradient_averager.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "runtime/averaging/gradient_hook.hpp"
#include "runtime/averaging/slab_view.hpp"

namespace ringtrain {
namespace {

// A gradient whose squared norm is below this has no element above max / P, so the sum over P ranks
// is finite if every rank's part is: testing the parts is enough, and it is done before anything is
// updated.
double largest_squared_norm(int ranks) {
  const double largest = static_cast<double>(std::numeric_limits<float>::max()) / ranks;
  return largest * largest;
}

}  // namespace

GradientAverager::GradientAverager(Model& model, const ParameterSpace& space,
                                   CommunicationThread& thread, GradientSchedule& schedule,
                                   Device& device)
    : parameters_(model.parameters()),
      space_(space),
      thread_(thread),
      schedule_(schedule),
      device_(device),
      slabs_(thread.collectives().slabs()),
      largest_squared_norm_(largest_squared_norm(thread.collectives().size())),
      stored_(parameters_.size()) {
  RINGTRAIN_CHECK(space.layout.order().size() == parameters_.size());
  broadcast_parameters();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    set_gradient_hook(parameters_[i].tensor, [this, i] { on_ready(i); });
  }
}

GradientAverager::~GradientAverager() {
  // The parameters outlive the slab, so they get memory of their own again.
  const at::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_) {
    set_gradient_hook(parameter, {});
    parameter.set_data(parameter.detach().clone());
  }
}

void GradientAverager::broadcast_parameters() {
  const at::NoGradGuard no_grad;
  const auto view = [&](size_t i) {
    const at::Tensor part = view_of(slabs_.parameters, space_.layout.parameter(i), device_);
    return in_shape(part, parameters_[i].tensor.sizes(), space_.layout);
  };
  if (thread_.collectives().rank() == 0) {
    for (size_t i = 0; i < parameters_.size(); ++i) view(i).copy_(parameters_[i].tensor);
  }
  thread_.broadcast();
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_[i].tensor.set_data(view(i));
}

void GradientAverager::begin(float scale) {
  active_ = true;
  scale_ = scale;
  complete_ = 0;
  passed_on_ = 0;
  packed_.clear();
  std::fill(stored_.begin(), stored_.end(), false);
  if (!aside_) schedule_.begin();
}

std::vector<size_t> GradientAverager::store_aside(float scale,
                                                  const std::function<void()>& backward) {
  aside_ = true;
  begin(scale);
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
  std::fill(stored_.begin(), stored_.end(), true);
  schedule_.replayed();
}

void GradientAverager::end_backward() {
  store_missing();
  active_ = false;
}

bool GradientAverager::finish(SumSlots& slots) {
  end_backward();
  find_culprit();
  const auto not_finite = slots.add("not finite", culprit_.empty() ? 0 : 1);
  thread_.all_reduce(slots.values());
  const bool finite = slots[not_finite] == 0;
  if (!finite) schedule_.drop();
  return finite;
}

bool GradientAverager::on_every_rank(bool mine) {
  double others = mine ? 0 : 1;
  thread_.all_reduce({&others, 1});
  return others == 0;
}

void GradientAverager::on_ready(size_t parameter) {
  if (active_) store(parameter);
}

// Stores zeros for parameters that the backward pass did not reach.
void GradientAverager::store_missing() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!stored_[i]) store(i);
  }
}

void GradientAverager::store(size_t i) {
  if (slabs_.wire != nullptr) {
    store_in(slabs_.wire, i);
  } else {
    store_in(slabs_.gradients, i);
  }
  stored_[i] = true;
  pass_on_complete_buckets();
}

template <class Element>
void GradientAverager::store_in(Element* slab, size_t i) {
  const Range range = space_.layout.parameter(i);
  at::Tensor& gradient = parameters_[i].tensor.mutable_grad();
  if (gradient.defined()) {
    device_.pack(in_slab_order(gradient, space_.layout), slab + range.begin, scale_);
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
  const SlabLayout& layout = space_.layout;
  const auto& order = layout.order();
  while (complete_ < order.size() && stored_[order[complete_]]) ++complete_;
  const size_t end =
      complete_ == order.size() ? layout.elements() : layout.parameter(order[complete_]).begin;
  for (; passed_on_ < space_.buckets.size() && space_.buckets[passed_on_].end <= end;
       ++passed_on_) {
    device_.launch_packs();
    aside_ ? schedule_.captured(passed_on_) : schedule_.written(passed_on_);
  }
}

}  // namespace ringtrain
