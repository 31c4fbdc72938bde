// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/model_buffers.hpp"

namespace ringtrain {
namespace {

// Copy in doubles, which hold every value of the types that buffers have.
torch::Tensor in_doubles(const torch::Tensor& buffer) {
  return buffer.to(torch::kCPU, torch::kFloat64, /*non_blocking=*/false, /*copy=*/true)
      .contiguous();
}

void sum(const torch::Tensor& doubles, CommunicationThread& ranks) {
  ranks.all_reduce({doubles.mutable_data_ptr<double>(), static_cast<size_t>(doubles.numel())});
}

}  // namespace

void broadcast_buffers(const Model& model, CommunicationThread& ranks) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, buffer] : model.buffers()) {
    torch::Tensor values = in_doubles(buffer);
    if (ranks.collectives().rank() != 0)
      values.fill_(-0.0);  // x + -0 has the bits of x for every x
    sum(values, ranks);
    torch::Tensor(buffer).copy_(values);
  }
}

void average_batch_statistics(const Model& model, CommunicationThread& ranks) {
  if (!model.uses_local_batch_statistics()) return;
  const torch::NoGradGuard no_grad;
  double count = 1;
  ranks.all_reduce({&count, 1});
  for (const auto& [name, buffer] : model.buffers()) {
    if (!buffer.is_floating_point()) continue;
    const torch::Tensor values = in_doubles(buffer);
    sum(values, ranks);
    torch::Tensor(buffer).copy_(values / count);
  }
}

}  // namespace ringtrain
