// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/batch_norm_on_device.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

namespace ringtrain {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The kernels take memory in either order, without gaps.
at::Tensor dense(const at::Tensor& x) { return x.contiguous(x.suggest_memory_format()); }

// Returns every rank's row of mean, 1 / sqrt(var + epsilon) and count: [ranks, 2 * channels + 1]. A
// sum with rows of zeros is a gather.
at::Tensor gathered_statistics(const at::Tensor& x, const at::TensorOptions& floats,
                               const SumOnDevice& sum) {
  const int64_t channels = x.size(1);
  at::Tensor all = at::zeros({sum.ranks, 2 * channels + 1}, floats);
  const at::Tensor mine = all.select(0, sum.rank);
  if (x.numel() > 0) {
    const auto [mean, invstd] = at::batch_norm_stats(x, kBatchNormEpsilon);
    mine.slice(0, 0, channels).copy_(mean);
    mine.slice(0, channels, 2 * channels).copy_(invstd);
    mine.slice(0, 2 * channels).fill_(x.numel() / channels);
  } else {
    mine.slice(0, channels, 2 * channels).fill_(1);  // 1 / 0 would be counted 0 times, and be NaN
  }
  sum.start(all);
  return all;
}

class BatchNormOnDevice : public torch::autograd::Function<BatchNormOnDevice> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& running_mean, const at::Tensor& running_var,
                            const c10::intrusive_ptr<RankSum>& ranks) {
    const at::Tensor x = dense(input);
    const int64_t channels = x.size(1);
    const at::Tensor all = gathered_statistics(x, running_mean.options(), ranks->on_device);
    const at::Tensor counts = all.select(1, 2 * channels).contiguous();
    const auto [mean, invstd] = at::batch_norm_gather_stats_with_counts(
        x, all.slice(1, 0, channels), all.slice(1, channels, 2 * channels), running_mean,
        running_var, kBatchNormMomentum, kBatchNormEpsilon, counts);
    context->save_for_backward({x, weight, mean, invstd, counts.to(at::kInt)});
    context->saved_data["ranks"] = c10::IValue::make_capsule(ranks);
    if (x.numel() == 0) return at::empty_like(x);
    return at::batch_norm_elemt(x, weight, bias, mean, invstd, kBatchNormEpsilon);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &invstd = saved[3];
    const auto ranks =
        c10::static_intrusive_pointer_cast<RankSum>(context->saved_data["ranks"].toCapsule());
    const int64_t channels = x.size(1);
    if (x.numel() == 0) {
      ranks->on_device.start(at::zeros({2 * channels}, mean.options()));
      return {at::zeros_like(x), at::zeros_like(weight), at::zeros_like(weight), {}, {}, {}};
    }
    const at::Tensor dy = gradients[0].contiguous(x.suggest_memory_format());
    // The gradients of weight and bias are of this rank's rows.
    const auto [sum_dy, sum_dy_xmu, dweight, dbias] = at::batch_norm_backward_reduce(
        dy, x, mean, invstd, weight, /*input_g=*/true, /*weight_g=*/true, /*bias_g=*/true);
    const at::Tensor sums = at::cat({sum_dy, sum_dy_xmu});
    ranks->on_device.start(sums);
    const at::Tensor dx =
        at::batch_norm_backward_elemt(dy, x, mean, invstd, weight, sums.slice(0, 0, channels),
                                      sums.slice(0, channels), /*count=*/saved[4]);
    return {dx, dweight, dbias, {}, {}, {}};
  }
};

}  // namespace

at::Tensor batch_norm_on_device(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& running_mean,
                                const at::Tensor& running_var,
                                const c10::intrusive_ptr<RankSum>& ranks) {
  return BatchNormOnDevice::apply(x, weight, bias, running_mean, running_var, ranks);
}

}  // namespace ringtrain
