// SPDX-License-Identifier: Apache-2.0
// Batch normalisation by the kernels of SyncBatchNorm against libtorch's plain one, on one rank: a
// sum over ranks that has nothing to add.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <span>

#include "runtime/models/batch_norm.hpp"

namespace ringtrain {
namespace {

constexpr int64_t kChannels = 32;

void expect_close(const torch::Tensor& a, const torch::Tensor& b, double tolerance) {
  const double scale = b.abs().max().item<double>();
  EXPECT_LE((a.to(torch::kFloat) - b.to(torch::kFloat)).abs().max().item<double>(),
            tolerance * scale);
}

void expect_as_plain(const torch::Tensor& x, double tolerance) {
  BatchNorm2d plain(kChannels), on_device(kChannels);
  plain.to(x.device());
  on_device.to(x.device());
  on_device.set_sum_over_ranks([](std::span<double>) {}, {.start = [](const torch::Tensor&) {}});
  const auto upstream = torch::randn_like(x);
  const auto pass = [&](BatchNorm2d& layer) {
    const auto input = x.clone().set_requires_grad(true);
    const auto output = layer.forward(input);
    output.backward(upstream);
    return std::make_pair(output, input.grad());
  };
  const auto [expected, expected_gradient] = pass(plain);
  const auto [output, gradient] = pass(on_device);
  expect_close(output, expected, tolerance);
  expect_close(gradient, expected_gradient, tolerance);
  for (const auto& item : plain.named_parameters()) {
    expect_close(on_device.named_parameters()[item.key()].grad(), item.value().grad(), tolerance);
  }
  for (const char* name : {"running_mean", "running_var"}) {
    expect_close(on_device.named_buffers()[name], plain.named_buffers()[name], tolerance);
  }
}

TEST(CardBatchNorm, OnTheDeviceIsLibtorchs) {
  torch::manual_seed(3);
  const auto x = torch::randn({16, kChannels, 9, 7}).cuda() * 3 + 1;
  expect_as_plain(x, 1e-5);
  expect_as_plain(x.contiguous(torch::MemoryFormat::ChannelsLast), 1e-5);
  expect_as_plain(x.to(torch::kBFloat16).contiguous(torch::MemoryFormat::ChannelsLast), 0.02);
}

}  // namespace
}  // namespace ringtrain
