// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/local_sgd.hpp"

#include <utility>

#include "runtime/averaging/slab_view.hpp"

namespace ringtrain {

LocalSgd::LocalSgd(std::unique_ptr<Communicator> ranks, int world_size, size_t elements,
                   const std::vector<Range>& buckets, Device& device)
    : ranks_(std::move(ranks)),
      world_size_(world_size),
      all_{0, elements},
      buckets_(buckets),
      device_(device),
      exchange_(*ranks_) {}

void LocalSgd::average(std::span<float* const> arrays) {
  const torch::NoGradGuard no_grad;
  for (float* array : arrays) {
    torch::Tensor mine = view_of(array, all_, device_);
    torch::Tensor addend = view_of(ranks_->gradients(), all_, device_);
    torch::mul_out(addend, mine, torch::scalar_tensor(1.0 / world_size_, mine.options()));
    std::vector<double> nothing(1);
    exchange_.sum(nothing);  // everybody has written
    for (const Range& bucket : buckets_) {
      exchange_.wait(exchange_.reduce(bucket));
      const Range share = ranks_->share(bucket);
      view_of(ranks_->parameters(), share, device_)
          .copy_(view_of(ranks_->gradients(), share, device_));
    }
    exchange_.publish(buckets_);
    mine.copy_(view_of(ranks_->parameters(), all_, device_));
  }
}

void LocalSgd::spread(std::span<float* const> arrays) {
  const torch::NoGradGuard no_grad;
  for (float* array : arrays) {
    torch::Tensor mine = view_of(array, all_, device_);
    const torch::Tensor first = view_of(ranks_->parameters(), all_, device_);
    if (ranks_->is_first()) first.copy_(mine);
    exchange_.spread_parameters();
    if (!ranks_->is_first()) mine.copy_(first);
    exchange_.publish(buckets_);  // nobody writes there before all have read
  }
}

}  // namespace ringtrain
