// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/model_buffers.hpp"

#include <c10/core/GradMode.h>

namespace ringtrain {
namespace {

// Copy in doubles, which hold every value of the types that buffers have.
at::Tensor in_doubles(const at::Tensor& buffer) {
  return buffer.to(at::kCPU, at::kDouble, /*non_blocking=*/false, /*copy=*/true).contiguous();
}

void sum(const at::Tensor& doubles, CommunicationThread& ranks) {
  ranks.all_reduce({doubles.mutable_data_ptr<double>(), static_cast<size_t>(doubles.numel())});
}

}  // namespace

void broadcast_buffers(const Model& model, CommunicationThread& ranks) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, buffer] : model.buffers()) {
    at::Tensor values = in_doubles(buffer);
    if (ranks.collectives().rank() != 0)
      values.fill_(-0.0);  // x + -0 has the bits of x for every x
    sum(values, ranks);
    at::Tensor(buffer).copy_(values);
  }
}

void average_batch_statistics(const Model& model, CommunicationThread& ranks) {
  if (!model.uses_local_batch_statistics()) return;
  const at::NoGradGuard no_grad;
  double count = 1;
  ranks.all_reduce({&count, 1});
  for (const auto& [name, buffer] : model.buffers()) {
    if (!buffer.is_floating_point()) continue;
    const at::Tensor values = in_doubles(buffer);
    sum(values, ranks);
    at::Tensor(buffer).copy_(values.div(count));
  }
}

}  // namespace ringtrain
