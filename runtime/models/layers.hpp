// SPDX-License-Identifier: Apache-2.0
// The layers of the zoo. Each computes with libtorch's own operators and can write the same
// computation as TorchScript, so that a trained model is saved without Python. Initial weights are
// PyTorch's defaults, drawn from the given generator and nothing else.
#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ringtrain {

class Layer : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;

  // The body of `def forward(self, x: Tensor) -> Tensor` over the same names of parameters, buffers
  // and children, one statement a line.
  virtual std::string script() const = 0;
};

// Returns a TorchScript module tree with the layer's names and copies of its tensors on the CPU, in
// eval mode.
torch::jit::Module to_torchscript(const Layer& layer);

// y = x W^T + b. Weight and bias: uniform within +-1/sqrt(in).
class Linear final : public Layer {
 public:
  Linear(int64_t in, int64_t out, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;
  std::string script() const override;

 private:
  at::Tensor weight_;  // [out, in]
  at::Tensor bias_;    // [out]
};

// A square convolution.
class Conv2d final : public Layer {
 public:
  enum class Init {
    with_bias,     // PyTorch's default: weight and bias uniform within +-1/sqrt(fan_in)
    without_bias,  // torchvision's for ResNets: normal, variance 2/fan_out (He et al. 2015), no
                   // bias
  };
  struct Shape {
    int64_t in, out, kernel;
    int64_t stride = 1;
    int64_t padding = 0;
  };
  Conv2d(const Shape& shape, Init init, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;
  std::string script() const override;

 private:
  at::Tensor weight_;  // [out, in, kernel, kernel]
  at::Tensor bias_;    // [out], or undefined
  int64_t stride_;
  int64_t padding_;
};

// Returns images in channels-last format, for which libtorch's convolutions and poolings on a CPU
// are fastest, and those of a GPU in TF32 and bf16; their results have the same format. On a GPU in
// fp32, returns x unchanged.
at::Tensor channels_last(const at::Tensor& x);
extern const char* const kChannelsLastScript;  // x = channels_last(x)

// Returns images in oneDNN's blocked layout, for a stack of convolutions, poolings and ReLUs on a
// CPU, so that nothing is reordered between them. Such tensors are opaque; to_dense_layout() ends
// the stack. Pooling and ReLU in this layout may turn a NaN into a number. On a GPU, in bf16 and
// without oneDNN, returns channels_last(x); so too without gradients, so that an evaluation is that
// of the exported model, bit for bit.
at::Tensor to_onednn_layout(const at::Tensor& x);
at::Tensor to_dense_layout(const at::Tensor& x);

// Layers one after the other, named 0, 1, 2…
class Sequential final : public Layer {
 public:
  explicit Sequential(std::vector<std::shared_ptr<Layer>> layers);
  at::Tensor forward(const at::Tensor& x) override;
  std::string script() const override;

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace ringtrain
