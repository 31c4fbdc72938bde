// SPDX-License-Identifier: Apache-2.0
// Stands in for the kernels of PyTorch's SyncBatchNorm, which libtorch has for CUDA alone, where
// there is no GPU: their definitions in tensors. It proves nothing about the kernels themselves.
#include <torch/library.h>
#include <torch/torch.h>

#include <tuple>

namespace ringtrain {
namespace {

using torch::Tensor;
using MaybeTensor = std::optional<Tensor>;

Tensor per_channel(const Tensor& values) { return values.view({1, -1, 1, 1}); }

std::tuple<Tensor, Tensor> stats(const Tensor& x, double epsilon) {
  const auto [var, mean] = torch::var_mean(x, {0, 2, 3}, /*unbiased=*/false);
  return {mean, (var + epsilon).rsqrt()};
}

// A rank after the other, as the kernel does it: no count before the first rank's may be 0.
std::tuple<Tensor, Tensor> gather_stats(const Tensor&, const Tensor& means, const Tensor& invstds,
                                        const MaybeTensor& running_mean,
                                        const MaybeTensor& running_var, double momentum,
                                        double epsilon, const Tensor& counts) {
  Tensor mean = torch::zeros_like(means[0]), m2 = torch::zeros_like(mean);
  double n = 0;
  for (int64_t rank = 0; rank < means.size(0); ++rank) {
    const double count = counts[rank].item<double>();
    const double factor = 1 / (n + count);
    const Tensor var = invstds[rank].pow(-2) - epsilon;
    m2 += var * count + (mean - means[rank]).square() * (n * count * factor);
    mean = mean * (n * factor) + means[rank] * (count * factor);
    n += count;
  }
  running_mean->mul_(1 - momentum).add_(mean, momentum);
  running_var->mul_(1 - momentum).add_(m2, momentum / (n - 1));
  return {mean, (m2 / n + epsilon).rsqrt()};
}

Tensor normalise(const Tensor& x, const MaybeTensor& weight, const MaybeTensor& bias,
                 const Tensor& mean, const Tensor& invstd, double) {
  return (x - per_channel(mean)) * per_channel(invstd * *weight) + per_channel(*bias);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> backward_reduce(const Tensor& dy, const Tensor& x,
                                                           const Tensor& mean, const Tensor& invstd,
                                                           const MaybeTensor&, bool, bool, bool) {
  const Tensor sum_dy = dy.sum({0, 2, 3});
  const Tensor sum_dy_xmu = (dy * (x - per_channel(mean))).sum({0, 2, 3});
  return {sum_dy, sum_dy_xmu, sum_dy_xmu * invstd, sum_dy};
}

Tensor backward_elements(const Tensor& dy, const Tensor& x, const Tensor& mean,
                         const Tensor& invstd, const MaybeTensor& weight, const Tensor& sum_dy,
                         const Tensor& sum_dy_xmu, const Tensor& counts) {
  const double n = counts.sum().item<double>();
  const Tensor slope = sum_dy_xmu / n * invstd.square();
  const Tensor moved = dy - per_channel(sum_dy / n) - (x - per_channel(mean)) * per_channel(slope);
  return moved * per_channel(invstd * *weight);
}

}  // namespace
}  // namespace ringtrain

TORCH_LIBRARY_IMPL(aten, CPU, library) {
  library.impl("batch_norm_stats", ringtrain::stats);
  library.impl("batch_norm_gather_stats_with_counts", ringtrain::gather_stats);
  library.impl("batch_norm_elemt", ringtrain::normalise);
  library.impl("batch_norm_backward_reduce", ringtrain::backward_reduce);
  library.impl("batch_norm_backward_elemt", ringtrain::backward_elements);
}
