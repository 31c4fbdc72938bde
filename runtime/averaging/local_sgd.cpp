// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/local_sgd.hpp"

#include <algorithm>
#include <utility>

#include "runtime/averaging/model_buffers.hpp"
#include "runtime/averaging/slab_view.hpp"

namespace ringtrain {

LocalSgd::LocalSgd(const Options& options, std::unique_ptr<Communicator> ranks,
                   std::vector<float*> arrays, const std::vector<Range>& buckets,
                   GradientAverager& averager, const Model& model, Device& device)
    : options_(options),
      communicator_(std::move(ranks)),
      exchange_(*communicator_),
      arrays_(std::move(arrays)),
      buckets_(buckets),
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
  if (step % options_.sync_every != 0 && !epoch_over) return;
  average();
  average_batch_statistics(model_, exchange_);
  agree([this](SumSlots& slots) { exchange_.sum(slots.values()); });
}

void LocalSgd::restore(const std::function<void()>& restore) {
  if (communicator_->is_first()) restore();
  broadcast();
  broadcast_buffers(model_, *communicator_, exchange_);
}

void LocalSgd::average() {
  const torch::NoGradGuard no_grad;
  const Range all = {0, options_.elements};
  for (float* array : arrays_) {
    torch::Tensor mine = view_of(array, all, device_);
    torch::Tensor addend = view_of(communicator_->gradients(), all, device_);
    torch::mul_out(addend, mine, torch::scalar_tensor(1.0 / options_.world_size, mine.options()));
    std::vector<double> nothing(1);
    exchange_.sum(nothing);  // a barrier: every rank has written its addend
    for (const Range& bucket : buckets_) {
      exchange_.wait(exchange_.reduce(bucket));
      const Range share = communicator_->share(bucket);
      view_of(communicator_->parameters(), share, device_)
          .copy_(view_of(communicator_->gradients(), share, device_));
    }
    exchange_.publish(buckets_);
    mine.copy_(view_of(communicator_->parameters(), all, device_));
  }
}

void LocalSgd::broadcast() {
  const torch::NoGradGuard no_grad;
  const Range all = {0, options_.elements};
  for (float* array : arrays_) {
    torch::Tensor mine = view_of(array, all, device_);
    const torch::Tensor first = view_of(communicator_->parameters(), all, device_);
    if (communicator_->is_first()) first.copy_(mine);
    exchange_.spread_parameters();
    if (!communicator_->is_first()) mine.copy_(first);
    exchange_.publish(buckets_);  // a barrier: every rank has read before the next array is written
  }
}

}  // namespace ringtrain
