// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/gradient_hook.hpp"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <utility>

namespace ringtrain {
namespace {

struct Hook final : torch::autograd::PostAccumulateGradHook {
  explicit Hook(std::function<void()> f) : ready(std::move(f)) {}
  void operator()(const torch::autograd::Variable&) override { ready(); }
  std::function<void()> ready;
};

}  // namespace

void set_gradient_hook(const at::Tensor& parameter, std::function<void()> ready) {
  std::unique_ptr<torch::autograd::PostAccumulateGradHook> hook;
  if (ready) hook = std::make_unique<Hook>(std::move(ready));
  torch::autograd::impl::set_post_acc_grad_hooks(parameter, std::move(hook));
}

}  // namespace ringtrain
