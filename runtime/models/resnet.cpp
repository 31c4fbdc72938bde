// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/resnet.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "runtime/models/batch_norm.hpp"

namespace ringtrain {
namespace {

// Builds the layers that all blocks of one network are made of.
struct Source {
  at::Generator& generator;

  std::shared_ptr<Conv2d> conv(const Conv2d::Shape& shape) const {
    return std::make_shared<Conv2d>(shape, Conv2d::Init::without_bias, generator);
  }
  std::shared_ptr<BatchNorm2d> batch_norm(int64_t channels) const {
    return std::make_shared<BatchNorm2d>(channels);
  }
  // Returns the projection of a block's input; null if its shape does not change.
  std::shared_ptr<Sequential> downsample(int64_t in, int64_t out, int64_t stride) const {
    if (in == out && stride == 1) return nullptr;
    return std::make_shared<Sequential>(std::vector<std::shared_ptr<Layer>>{
        conv({.in = in, .out = out, .kernel = 1, .stride = stride}), batch_norm(out)});
  }
};

// Two 3x3 convolutions around a shortcut.
class BasicBlock final : public Layer {
 public:
  static constexpr int64_t kExpansion = 1;

  BasicBlock(int64_t in, int64_t width, int64_t stride, const Source& source)
      : conv1_(register_module(
            "conv1",
            source.conv({.in = in, .out = width, .kernel = 3, .stride = stride, .padding = 1}))),
        bn1_(register_module("bn1", source.batch_norm(width))),
        conv2_(register_module(
            "conv2", source.conv({.in = width, .out = width, .kernel = 3, .padding = 1}))),
        bn2_(register_module("bn2", source.batch_norm(width))),
        downsample_(source.downsample(in, width, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = bn1_->forward(conv1_->forward(x)).relu_();
    y = bn2_->forward(conv2_->forward(y));
    return y.add_(downsample_ ? downsample_->forward(x) : x).relu_();
  }

  std::string script() const override {
    return std::string(
               "y = torch.relu_(self.bn1.forward(self.conv1.forward(x)))\n"
               "y = self.bn2.forward(self.conv2.forward(y))\n") +
           (downsample_ ? "x = self.downsample.forward(x)\n" : "") +
           "return torch.relu_(y.add_(x))";
  }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> bn2_;
  std::shared_ptr<Sequential> downsample_;
};

// A 3x3 convolution between two 1x1 ones that narrow and widen, around a shortcut.
class Bottleneck final : public Layer {
 public:
  static constexpr int64_t kExpansion = 4;

  Bottleneck(int64_t in, int64_t width, int64_t stride, const Source& source)
      : conv1_(register_module("conv1", source.conv({.in = in, .out = width, .kernel = 1}))),
        bn1_(register_module("bn1", source.batch_norm(width))),
        conv2_(register_module(
            "conv2",
            source.conv({.in = width, .out = width, .kernel = 3, .stride = stride, .padding = 1}))),
        bn2_(register_module("bn2", source.batch_norm(width))),
        conv3_(register_module("conv3",
                               source.conv({.in = width, .out = kExpansion * width, .kernel = 1}))),
        bn3_(register_module("bn3", source.batch_norm(kExpansion * width))),
        downsample_(source.downsample(in, kExpansion * width, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = bn1_->forward(conv1_->forward(x)).relu_();
    y = bn2_->forward(conv2_->forward(y)).relu_();
    y = bn3_->forward(conv3_->forward(y));
    return y.add_(downsample_ ? downsample_->forward(x) : x).relu_();
  }

  std::string script() const override {
    return std::string(
               "y = torch.relu_(self.bn1.forward(self.conv1.forward(x)))\n"
               "y = torch.relu_(self.bn2.forward(self.conv2.forward(y)))\n"
               "y = self.bn3.forward(self.conv3.forward(y))\n") +
           (downsample_ ? "x = self.downsample.forward(x)\n" : "") +
           "return torch.relu_(y.add_(x))";
  }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> bn2_;
  std::shared_ptr<Conv2d> conv3_;
  std::shared_ptr<BatchNorm2d> bn3_;
  std::shared_ptr<Sequential> downsample_;
};

class Resnet final : public Layer {
 public:
  template <typename Block>
  static std::shared_ptr<Resnet> make(const std::array<int, 4>& blocks, const ModelOptions& options,
                                      const Source& source) {
    const bool small = has_small_stem(options);
    auto net = std::make_shared<Resnet>(small);
    const int64_t channels = options.channels;
    net->conv1_ = net->register_module(
        "conv1",
        source.conv(small
                        ? Conv2d::Shape{.in = channels, .out = 64, .kernel = 3, .padding = 1}
                        : Conv2d::Shape{
                              .in = channels, .out = 64, .kernel = 7, .stride = 2, .padding = 3}));
    net->bn1_ = net->register_module("bn1", source.batch_norm(64));
    int64_t in = 64;
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      const int64_t width = int64_t{64} << stage;
      std::vector<std::shared_ptr<Layer>> layers;
      for (int i = 0; i < blocks[stage]; ++i) {
        const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
        layers.push_back(std::make_shared<Block>(in, width, stride, source));
        in = width * Block::kExpansion;
      }
      net->stages_[stage] = net->register_module("layer" + std::to_string(stage + 1),
                                                 std::make_shared<Sequential>(std::move(layers)));
    }
    net->fc_ =
        net->register_module("fc", std::make_shared<Linear>(in, options.classes, source.generator));
    return net;
  }

  explicit Resnet(bool small_images) : small_images_(small_images) {}

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = bn1_->forward(conv1_->forward(channels_last(x))).relu_();
    if (!small_images_) y = at::max_pool2d(y, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    for (const auto& stage : stages_) y = stage->forward(y);
    return fc_->forward(at::adaptive_avg_pool2d(y, {1, 1}).flatten(1));
  }

  std::string script() const override {
    return std::string(kChannelsLastScript) +
           "x = torch.relu_(self.bn1.forward(self.conv1.forward(x)))\n" +
           (small_images_ ? "" : "x = torch.max_pool2d(x, [3, 3], [2, 2], [1, 1])\n") +
           "x = self.layer1.forward(x)\n"
           "x = self.layer2.forward(x)\n"
           "x = self.layer3.forward(x)\n"
           "x = self.layer4.forward(x)\n"
           "return self.fc.forward(torch.flatten(torch.adaptive_avg_pool2d(x, [1, 1]), 1))";
  }

 private:
  bool small_images_;
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::array<std::shared_ptr<Sequential>, 4> stages_;
  std::shared_ptr<Linear> fc_;
};

}  // namespace

bool has_small_stem(const ModelOptions& options) {
  return options.small_stem.value_or(std::max(options.height, options.width) <= 64);
}

std::shared_ptr<Layer> make_resnet(int depth, const ModelOptions& options,
                                   at::Generator& generator) {
  const Source source{generator};
  switch (depth) {
    case 18:
      return Resnet::make<BasicBlock>({2, 2, 2, 2}, options, source);
    case 34:
      return Resnet::make<BasicBlock>({3, 4, 6, 3}, options, source);
    default:
      return Resnet::make<Bottleneck>({3, 4, 6, 3}, options, source);
  }
}

}  // namespace ringtrain
