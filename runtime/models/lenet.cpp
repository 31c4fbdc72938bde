// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/lenet.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

void require_large_enough(const ModelOptions& options) {
  const std::string why = why_too_small(options.name, options.height, options.width);
  if (!why.empty()) throw job_error(why);
}

// ReLU after pooling gives the same values and gradients as before it, from a quarter of the
// elements. The stride is the window's by default, but oneDNN's backward pass needs it explicitly.
// ReLU in place would change the tensor which that pass reads.
at::Tensor pool_relu(const at::Tensor& x) { return at::max_pool2d(x, {2, 2}, {2, 2}).relu(); }

// LeNet-5 (LeCun et al. 1998) as it is written today: ReLU instead of tanh, max pooling instead of
// trained subsampling, a full second convolution, and a plain linear output. The original takes 32
// x 32 pixels; smaller images are padded by 2 on each side, which makes MNIST's 28 x 28 the same.
class Lenet5 final : public Layer {
 public:
  Lenet5(const ModelOptions& options, at::Generator& generator) {
    const int64_t padding = std::min(options.height, options.width) < 32 ? 2 : 0;
    const auto after = [&](int64_t pixels) { return ((pixels + 2 * padding - 4) / 2 - 4) / 2; };
    const int64_t features = 16 * after(options.height) * after(options.width);
    const Conv2d::Shape first{.in = options.channels, .out = 6, .kernel = 5, .padding = padding};
    const Conv2d::Shape second{.in = 6, .out = 16, .kernel = 5};
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(first, Conv2d::Init::with_bias, generator));
    conv2_ = register_module("conv2",
                             std::make_shared<Conv2d>(second, Conv2d::Init::with_bias, generator));
    fc1_ = register_module("fc1", std::make_shared<Linear>(features, 120, generator));
    fc2_ = register_module("fc2", std::make_shared<Linear>(120, 84, generator));
    fc3_ = register_module("fc3", std::make_shared<Linear>(84, options.classes, generator));
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = pool_relu(conv1_->forward(to_onednn_layout(x)));
    y = to_dense_layout(pool_relu(conv2_->forward(y)));
    y = fc1_->forward(y.flatten(1)).relu_();
    y = fc2_->forward(y).relu_();
    return fc3_->forward(y);
  }

  std::string script() const override {
    return std::string(kChannelsLastScript) +
           "x = torch.relu_(torch.max_pool2d(self.conv1.forward(x), [2, 2]))\n"
           "x = torch.relu_(torch.max_pool2d(self.conv2.forward(x), [2, 2]))\n"
           "x = torch.relu_(self.fc1.forward(torch.flatten(x, 1)))\n"
           "x = torch.relu_(self.fc2.forward(x))\n"
           "return self.fc3.forward(x)";
  }

 private:
  std::shared_ptr<Conv2d> conv1_, conv2_;
  std::shared_ptr<Linear> fc1_, fc2_, fc3_;
};

// The network of PyTorch's MNIST example, without its two dropout layers: a mask would depend on
// how the samples of a batch fall on ranks, and the result of a job must not.
class Lenet final : public Layer {
 public:
  Lenet(const ModelOptions& options, at::Generator& generator) {
    const int64_t features = 64 * ((options.height - 4) / 2) * ((options.width - 4) / 2);
    const Conv2d::Shape first{.in = options.channels, .out = 32, .kernel = 3};
    const Conv2d::Shape second{.in = 32, .out = 64, .kernel = 3};
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(first, Conv2d::Init::with_bias, generator));
    conv2_ = register_module("conv2",
                             std::make_shared<Conv2d>(second, Conv2d::Init::with_bias, generator));
    fc1_ = register_module("fc1", std::make_shared<Linear>(features, 128, generator));
    fc2_ = register_module("fc2", std::make_shared<Linear>(128, options.classes, generator));
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = conv1_->forward(to_onednn_layout(x)).relu_();
    y = to_dense_layout(pool_relu(conv2_->forward(y)));
    y = fc1_->forward(y.flatten(1)).relu_();
    return fc2_->forward(y);
  }

  std::string script() const override {
    return std::string(kChannelsLastScript) +
           "x = torch.relu_(self.conv1.forward(x))\n"
           "x = torch.relu_(torch.max_pool2d(self.conv2.forward(x), [2, 2]))\n"
           "x = torch.relu_(self.fc1.forward(torch.flatten(x, 1)))\n"
           "return self.fc2.forward(x)";
  }

 private:
  std::shared_ptr<Conv2d> conv1_, conv2_;
  std::shared_ptr<Linear> fc1_, fc2_;
};

}  // namespace

std::shared_ptr<Layer> make_lenet5(const ModelOptions& options, at::Generator& generator) {
  require_large_enough(options);
  return std::make_shared<Lenet5>(options, generator);
}

std::shared_ptr<Layer> make_lenet(const ModelOptions& options, at::Generator& generator) {
  require_large_enough(options);
  return std::make_shared<Lenet>(options, generator);
}

}  // namespace ringtrain
