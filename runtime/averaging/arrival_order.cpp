// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/arrival_order.hpp"

#include <ATen/ops/zeros.h>

#include <cstddef>
#include <vector>

#include "runtime/averaging/gradient_hook.hpp"

namespace ringtrain {
namespace {

std::vector<size_t> arrival_order(Model& model, const at::Tensor& zeros) {
  const auto parameters = model.parameters();
  std::vector<size_t> order;
  std::vector<bool> arrived(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    set_gradient_hook(parameters[i].tensor, [&, i] {
      if (!arrived[i]) order.push_back(i);
      arrived[i] = true;
    });
  }
  model.train(false);
  model.forward(zeros).sum().backward();
  for (const auto& parameter : parameters) {
    set_gradient_hook(parameter.tensor, {});
    at::Tensor(parameter.tensor).mutable_grad().reset();
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!arrived[i]) order.push_back(i);
  }
  return order;
}

}  // namespace

SlabLayout lay_out(Model& model, const std::array<int64_t, 3>& sample, at::Device device,
                   at::ScalarType type, bool channels_last) {
  const auto [channels, height, width] = sample;
  const at::Tensor zeros =
      at::zeros({2, channels, height, width}, at::TensorOptions(device).dtype(type));
  std::vector<size_t> sizes;
  for (const auto& [name, tensor] : model.parameters()) {
    sizes.push_back(static_cast<size_t>(tensor.numel()));
  }
  return {sizes, arrival_order(model, zeros), channels_last};
}

}  // namespace ringtrain
