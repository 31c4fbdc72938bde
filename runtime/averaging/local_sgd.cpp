// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/local_sgd.hpp"

#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "runtime/averaging/model_buffers.hpp"
#include "runtime/averaging/slab_view.hpp"

namespace ringtrain {

LocalSgd::LocalSgd(int sync_every, std::unique_ptr<Collectives> ranks, std::vector<float*> arrays,
                   const ParameterSpace& space, GradientAverager& averager, const Model& model,
                   Device& device)
    : sync_every_(sync_every),
      collectives_(std::move(ranks)),
      thread_(*collectives_),
      arrays_(std::move(arrays)),
      space_(space),
      averager_(averager),
      model_(model),
      device_(device) {}

uint64_t LocalSgd::samples_in_mean(uint64_t rows, uint64_t /*global_rows*/) const {
  return std::max<uint64_t>(rows, 1);
}

bool LocalSgd::finish_gradients(const Agree& /*agree*/) {
  SumSlots of_this_rank;
  return averager_.finish(of_this_rank);
}

void LocalSgd::finish_step(int64_t step, bool epoch_over, const Agree& agree) {
  if (step % sync_every_ != 0 && !epoch_over) return;
  average();
  average_batch_statistics(model_, thread_);
  agree([this](SumSlots& slots) { thread_.all_reduce(slots.values()); });
}

void LocalSgd::restore(const std::function<void()>& restore) {
  if (collectives_->rank() == 0) restore();
  broadcast();
  broadcast_buffers(model_, thread_);
}

void LocalSgd::average() {
  const at::NoGradGuard no_grad;
  const Slabs slabs = collectives_->slabs();
  for (float* array : arrays_) {
    at::Tensor mine = view_of(array, space_.all(), device_);
    at::Tensor addend = view_of(slabs.gradients, space_.all(), device_);
    at::mul_out(addend, mine, at::scalar_tensor(1.0 / collectives_->size(), mine.options()));
    for (const Range& bucket : space_.buckets) collectives_->mark_written(bucket);
    thread_.wait(thread_.reduce_scatter(space_.buckets));
    for (const Range& bucket : space_.buckets) {
      const Range share = collectives_->share(bucket);
      view_of(slabs.parameters, share, device_).copy_(view_of(slabs.gradients, share, device_));
    }
    thread_.all_gather(space_.buckets);
    mine.copy_(view_of(slabs.parameters, space_.all(), device_));
  }
}

void LocalSgd::broadcast() {
  const at::NoGradGuard no_grad;
  for (float* array : arrays_) {
    at::Tensor mine = view_of(array, space_.all(), device_);
    const at::Tensor first = view_of(collectives_->slabs().parameters, space_.all(), device_);
    if (collectives_->rank() == 0) first.copy_(mine);
    thread_.broadcast();
    if (collectives_->rank() != 0) mine.copy_(first);
    thread_.barrier();  // every rank has read before the next array is written
  }
}

}  // namespace ringtrain
