// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/batch_norm.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <span>
#include <utility>

#include "runtime/models/batch_norm_on_device.hpp"

namespace ringtrain {
namespace {

// Statistics of every channel over the global batch, in doubles on the device: a GPU is waited for
// once in each pass.
struct GlobalStatistics {
  double count = 0;  // values per channel: rows * height * width over all ranks
  at::Tensor mean;   // [channels]
  at::Tensor var;    // [channels], biased
};

std::span<double> values_of(at::Tensor& doubles) {
  return {doubles.data_ptr<double>(), static_cast<size_t>(doubles.numel())};
}

// Each rank contributes n, n * mean and M2 + n * mean^2, sums over its values. In doubles, the
// cancellation in "mean of squares minus square of mean" loses nothing at fp32's precision.
GlobalStatistics global_statistics(const at::Tensor& x, const RankSum& ranks) {
  const int64_t channels = x.size(1);
  at::Tensor sums = at::zeros({2 * channels + 1}, at::kDouble);
  if (x.numel() > 0) {
    const bool wide = x.scalar_type() == at::kDouble;
    // The statistics pass of libtorch's own batch normalisation. var_mean takes 30 times as long on
    // channels-last tensors.
    const auto [mean, var] =
        at::batch_norm_update_stats(wide ? x : x.to(at::kFloat), {}, {}, /*momentum=*/0);
    const auto local = at::stack({mean, var}).to(at::kDouble);
    const double count = static_cast<double>(x.numel()) / static_cast<double>(channels);
    sums[0] = count;
    sums.slice(0, 1).copy_(at::cat({local[0] * count, (local[1] + local[0] * local[0]) * count}));
  }
  ranks.sum(values_of(sums));

  GlobalStatistics global;
  global.count = sums[0].item<double>();
  if (global.count > 0) {
    const at::Tensor on_device = sums.slice(0, 1).to(x.device());
    global.mean = on_device.slice(0, 0, channels) / global.count;
    global.var =
        (on_device.slice(0, channels) / global.count - global.mean * global.mean).clamp_min(0);
  } else {
    global.mean = at::zeros({channels}, x.options().dtype(at::kDouble));
    global.var = at::ones({channels}, x.options().dtype(at::kDouble));
  }
  return global;
}

// Normalises by statistics that are functions of x on all ranks, and differentiates through them:
//   dx = w / sqrt(var + eps) * (dy - mean(dy) - xhat * mean(dy * xhat)),
// with both means over the global batch (Ioffe and Szegedy 2015). libtorch's kernel for given
// statistics yields the first term and the local sums of dy and dy * xhat in one pass; the rest is
// linear in x.
class GlobalBatchNorm : public torch::autograd::Function<GlobalBatchNorm> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& mean, const at::Tensor& var, double count,
                            const c10::intrusive_ptr<RankSum>& ranks) {
    context->save_for_backward({x, weight, mean, var});
    context->saved_data["count"] = count;
    context->saved_data["ranks"] = c10::IValue::make_capsule(ranks);
    if (x.numel() == 0) return at::empty_like(x);
    return std::get<0>(at::native_batch_norm(x, weight, bias, mean, var, /*training=*/false,
                                             /*momentum=*/0, kBatchNormEpsilon));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &var = saved[3];
    const double count = context->saved_data["count"].toDouble();
    const auto ranks =
        c10::static_intrusive_pointer_cast<RankSum>(context->saved_data["ranks"].toCapsule());

    at::Tensor dx, dweight, dbias;
    if (x.numel() > 0) {
      std::tie(dx, dweight, dbias) = at::native_batch_norm_backward(
          gradients[0].contiguous(x.suggest_memory_format()), x, weight, mean, var, {}, {},
          /*train=*/false, kBatchNormEpsilon, {true, true, true});
    } else {
      dx = at::zeros_like(x);
      dweight = at::zeros_like(weight);
      dbias = at::zeros_like(weight);
    }

    at::Tensor sums = at::cat({dbias, dweight}).to(at::kCPU, at::kDouble);
    ranks->sum(values_of(sums));
    if (x.numel() > 0) {
      const auto channels = weight.size(0);
      sums = sums.to(x.device());
      const auto wide = [](const at::Tensor& t) { return t.to(at::kDouble); };
      const at::Tensor invstd = (wide(var) + kBatchNormEpsilon).rsqrt();
      const at::Tensor scale = wide(weight) * invstd / count;
      const at::Tensor slope = -scale * invstd * sums.slice(0, channels);
      const at::Tensor offset = -scale * sums.slice(0, 0, channels) - slope * wide(mean);
      const auto per_channel = [&](const at::Tensor& t) {
        return t.to(dx.device(), dx.scalar_type()).view({1, channels, 1, 1});
      };
      dx.addcmul_(x, per_channel(slope)).add_(per_channel(offset));
    }
    return {dx, dweight, dbias, {}, {}, {}, {}};
  }
};

}  // namespace

BatchNorm2d::BatchNorm2d(int64_t channels)
    : weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))),
      running_mean_(register_buffer("running_mean", at::zeros({channels}))),
      running_var_(register_buffer("running_var", at::ones({channels}))),
      num_batches_tracked_(register_buffer("num_batches_tracked", at::zeros({}, at::kLong))) {}

void BatchNorm2d::set_sum_over_ranks(const SumOverRanks& sum, const SumOnDevice& on_device) {
  rank_sum_ = sum ? c10::make_intrusive<RankSum>(sum, on_device) : nullptr;
}

at::Tensor BatchNorm2d::forward(const at::Tensor& x) {
  if (is_training() && rank_sum_) {
    if (!rank_sum_->on_device.start) return global_forward(x);
    return batch_norm_on_device(x, weight_, bias_, running_mean_, running_var_, rank_sum_);
  }
  return at::batch_norm(x, weight_, bias_, running_mean_, running_var_, is_training(),
                        kBatchNormMomentum, kBatchNormEpsilon, /*cudnn_enabled=*/true);
}

at::Tensor BatchNorm2d::global_forward(const at::Tensor& x) {
  at::Tensor mean, var;
  double count = 0;
  {
    at::NoGradGuard no_grad;
    const GlobalStatistics global = global_statistics(x, *rank_sum_);
    count = global.count;
    mean = global.mean.to(running_mean_.options());
    var = global.var.to(running_var_.options());
    if (count > 0) {
      const double unbiased = count / std::max(count - 1, 1.0);
      running_mean_.mul_(1 - kBatchNormMomentum).add_(mean, kBatchNormMomentum);
      running_var_.mul_(1 - kBatchNormMomentum).add_(var, kBatchNormMomentum * unbiased);
    }
  }
  return GlobalBatchNorm::apply(x, weight_, bias_, mean, var, count, rank_sum_);
}

std::string BatchNorm2d::script() const {
  return "if self.training:\n"
         "    self.num_batches_tracked.add_(1)\n"
         "return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, "
         "self.training, 0.1, 1e-05, True)";
}

}  // namespace ringtrain
