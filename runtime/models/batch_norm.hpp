// SPDX-License-Identifier: Apache-2.0
// Batch normalisation whose result does not depend on the number of ranks.
#pragma once

#include <ATen/core/ivalue.h>

#include <string>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The sum over ranks in a form that autograd can keep until backward.
struct RankSum : torch::CustomClassHolder {
  RankSum(SumOverRanks on_host, SumOnDevice in_stream)
      : sum(std::move(on_host)), on_device(std::move(in_stream)) {}
  SumOverRanks sum;
  SumOnDevice on_device;
};

inline constexpr double kBatchNormEpsilon = 1e-5;
inline constexpr double kBatchNormMomentum = 0.1;

// PyTorch's BatchNorm2d (epsilon 1e-5, momentum 0.1, the unbiased variance in running_var), except
// that in training the mean and variance of a channel are those of the global batch. Forward
// exchanges 2 * channels + 1 numbers, backward 2 * channels: doubles by the host, or floats by the
// device (batch_norm_on_device.hpp). The gradients of weight and bias are those of this rank's
// rows; the trainer sums them like all others. A rank with 0 rows takes part in both exchanges. The
// model counts batches, those of all layers in one addition.
class BatchNorm2d final : public Layer {
 public:
  explicit BatchNorm2d(int64_t channels);
  // Without a sum, statistics are those of this rank's rows, from libtorch's own kernel.
  void set_sum_over_ranks(const SumOverRanks& sum, const SumOnDevice& on_device = {});
  const at::Tensor& batches_counter() const { return num_batches_tracked_; }
  at::Tensor forward(const at::Tensor& x) override;
  std::string script() const override;

 private:
  at::Tensor global_forward(const at::Tensor& x);

  at::Tensor weight_;                     // [channels]
  at::Tensor bias_;                       // [channels]
  at::Tensor running_mean_;               // [channels]
  at::Tensor running_var_;                // [channels]
  at::Tensor num_batches_tracked_;        // one int64
  c10::intrusive_ptr<RankSum> rank_sum_;  // null: none
};

}  // namespace ringtrain
