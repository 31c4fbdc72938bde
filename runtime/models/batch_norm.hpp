// SPDX-License-Identifier: Apache-2.0
// Batch normalisation whose result does not depend on the number of ranks.
#pragma once

#include <torch/torch.h>

#include <string>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The sum over ranks in a form that autograd can keep until backward.
struct RankSum : torch::CustomClassHolder {
  explicit RankSum(SumOverRanks function) : sum(std::move(function)) {}
  SumOverRanks sum;
};

// PyTorch's BatchNorm2d (epsilon 1e-5, momentum 0.1, the unbiased variance in running_var), except
// that in training the mean and variance of a channel are those of the global batch. Forward
// exchanges 2 * channels + 1 doubles, backward 2 * channels. The gradients of weight and bias are
// those of this rank's rows; the trainer sums them like all others. A rank with 0 rows takes part
// in both exchanges.
class BatchNorm2d final : public Layer {
 public:
  explicit BatchNorm2d(int64_t channels);
  // Without a sum, statistics are those of this rank's rows, from libtorch's own kernel.
  void set_sum_over_ranks(const SumOverRanks& sum);
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string script() const override;

 private:
  torch::Tensor global_forward(const torch::Tensor& x);

  torch::Tensor weight_;                  // [channels]
  torch::Tensor bias_;                    // [channels]
  torch::Tensor running_mean_;            // [channels]
  torch::Tensor running_var_;             // [channels]
  torch::Tensor num_batches_tracked_;     // one int64
  c10::intrusive_ptr<RankSum> rank_sum_;  // null: none
};

}  // namespace ringtrain
