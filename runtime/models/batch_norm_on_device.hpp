// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/models/batch_norm.hpp"

namespace ringtrain {

// Batch normalisation over the samples of all ranks, forward and backward, by the kernels of
// PyTorch's SyncBatchNorm, which libtorch has for CUDA alone. Nothing waits on the host, so that a
// pass can be captured as a CUDA graph. Each rank contributes mean, 1 / sqrt(var + epsilon) and
// count of its values (Chan, Golub and LeVeque 1979), and in backward the sums of dy and of
// dy * (x - mean).
//
// x: [rows, channels, height, width], with 0 rows on some ranks, but not on the first. Updates the
// running statistics. Requires: ranks->on_device.start.
at::Tensor batch_norm_on_device(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& running_mean,
                                const at::Tensor& running_var,
                                const c10::intrusive_ptr<RankSum>& ranks);

}  // namespace ringtrain
