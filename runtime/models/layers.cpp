// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/layers.hpp"

#include <ATen/autocast_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace ringtrain {
namespace {

at::Tensor uniform(at::IntArrayRef shape, int64_t fan_in, at::Generator& generator) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  at::NoGradGuard no_grad;
  return at::empty(shape).uniform_(-bound, bound, generator);
}

at::Tensor normal(at::IntArrayRef shape, int64_t fan_out, at::Generator& generator) {
  at::NoGradGuard no_grad;
  return at::empty(shape).normal_(0, std::sqrt(2 / static_cast<double>(fan_out)), generator);
}

at::Tensor copy_on_cpu(const at::Tensor& tensor) {
  return tensor.detach()
      .to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true)
      .contiguous();
}

}  // namespace

torch::jit::Module to_torchscript(const Layer& layer) {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  const auto convert = [&](const auto& self, const Layer& from) -> torch::jit::Module {
    torch::jit::Module to(c10::QualifiedName("__torch__.ringtrain.Layer"), unit,
                          /*shouldMangle=*/true);
    to.register_attribute("training", c10::BoolType::get(), true);
    for (const auto& item : from.named_parameters(/*recurse=*/false)) {
      to.register_parameter(item.key(), copy_on_cpu(item.value()), /*is_buffer=*/false);
      to.attr(item.key()).toTensor().set_requires_grad(true);
    }
    for (const auto& item : from.named_buffers(/*recurse=*/false)) {
      to.register_buffer(item.key(), copy_on_cpu(item.value()));
    }
    for (const auto& item : from.named_children()) {
      to.register_module(item.key(), self(self, dynamic_cast<const Layer&>(*item.value())));
    }
    std::string source = "def forward(self, x: Tensor) -> Tensor:\n";
    size_t begin = 0;
    const std::string body = from.script();
    while (begin < body.size()) {
      const size_t end = std::min(body.find('\n', begin), body.size());
      source += "    " + body.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    to.define(source);
    return to;
  };
  torch::jit::Module module = convert(convert, layer);
  module.eval();
  return module;
}

Linear::Linear(int64_t in, int64_t out, at::Generator& generator)
    : weight_(register_parameter("weight", uniform({out, in}, in, generator))),
      bias_(register_parameter("bias", uniform({out}, in, generator))) {}

at::Tensor Linear::forward(const at::Tensor& x) { return at::linear(x, weight_, bias_); }

std::string Linear::script() const { return "return torch.linear(x, self.weight, self.bias)"; }

Conv2d::Conv2d(const Shape& shape, Init init, at::Generator& generator)
    : stride_(shape.stride), padding_(shape.padding) {
  const int64_t pixels = shape.kernel * shape.kernel;
  const std::vector<int64_t> sizes{shape.out, shape.in, shape.kernel, shape.kernel};
  if (init == Init::with_bias) {
    weight_ = register_parameter("weight", uniform(sizes, shape.in * pixels, generator));
    bias_ = register_parameter("bias", uniform({shape.out}, shape.in * pixels, generator));
  } else {
    weight_ = register_parameter("weight", normal(sizes, shape.out * pixels, generator));
  }
}

at::Tensor Conv2d::forward(const at::Tensor& x) {
  return at::conv2d(x, weight_, bias_, stride_, padding_);
}

std::string Conv2d::script() const {
  return fmt::format("return torch.conv2d(x, self.weight, {}, [{}, {}], [{}, {}])",
                     bias_.defined() ? "self.bias" : "None", stride_, stride_, padding_, padding_);
}

at::Tensor channels_last(const at::Tensor& x) {
  if (!x.is_cpu() && !at::globalContext().allowTF32CuDNN()) return x;
  // With one channel the bytes are the same, and libtorch would leave the strides as they are.
  if (x.size(1) == 1 && x.is_contiguous()) {
    return x.as_strided(x.sizes(), {x.stride(0), 1, x.size(3), 1});
  }
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

// Formats are numbers here: 2 is at::MemoryFormat::ChannelsLast.
const char* const kChannelsLastScript =
    "if x.device.type == 'cpu':\n"
    "    if x.size(1) == 1 and x.is_contiguous():\n"
    "        x = torch.as_strided(x, x.size(), [x.stride(0), 1, x.size(3), 1])\n"
    "    else:\n"
    "        x = x.contiguous(memory_format=2)\n";

at::Tensor to_onednn_layout(const at::Tensor& x) {
  const bool fits = x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0 &&
                    at::GradMode::is_enabled() && at::globalContext().userEnabledMkldnn() &&
                    !at::autocast::is_autocast_enabled(at::kCPU);
  return fits ? x.to_mkldnn() : channels_last(x);
}

at::Tensor to_dense_layout(const at::Tensor& x) { return x.is_mkldnn() ? x.to_dense() : x; }

Sequential::Sequential(std::vector<std::shared_ptr<Layer>> layers) : layers_(std::move(layers)) {
  for (size_t i = 0; i < layers_.size(); ++i) register_module(std::to_string(i), layers_[i]);
}

at::Tensor Sequential::forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (const auto& layer : layers_) y = layer->forward(y);
  return y;
}

std::string Sequential::script() const {
  std::string body;
  for (size_t i = 0; i < layers_.size(); ++i) {
    body += fmt::format("x = getattr(self, \"{}\").forward(x)\n", i);
  }
  return body + "return x";
}

}  // namespace ringtrain
