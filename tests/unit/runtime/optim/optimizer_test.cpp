// SPDX-License-Identifier: Apache-2.0
// Our optimizers against libtorch's own, over several steps.
#include "runtime/optim/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

#include "runtime/averaging/arrival_order.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/comm/local_collectives.hpp"
#include "runtime/device/device_cpu.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {
namespace {

ModelOptions small_mlp() {
  return {.name = "mlp",
          .hidden = {9},
          .channels = 1,
          .height = 3,
          .width = 4,
          .classes = 3,
          .seed = 5};
}

torch::Tensor loss_of(Model& model, int step) {
  torch::manual_seed(static_cast<uint64_t>(step));
  const torch::Tensor x = torch::randn({8, 1, 3, 4});
  return torch::nn::functional::cross_entropy(model.forward(x), torch::arange(8) % 3);
}

constexpr int kSteps = 5;

// A step whose gradients count as unusable, and whether updates are started before that is known.
constexpr int kUnusableStep = 2;
enum class Start { late, late_but_one, early_but_one };

std::vector<NamedTensor> train_ours(const OptimizerSpec& spec, double clip_norm,
                                    Start start = Start::late) {
  static std::vector<std::unique_ptr<Model>> models;  // outlive their tensors' users
  models.push_back(make_model(small_mlp()));
  Model& model = *models.back();
  CpuDevice device;
  std::vector<int64_t> dimensions;
  for (const auto& [name, tensor] : model.parameters()) dimensions.push_back(tensor.dim());
  const SlabLayout layout = lay_out(model, {1, 3, 4});
  LocalCollectives collectives(device.allocate_zeros(layout.elements()),
                               device.allocate_zeros(layout.elements()));
  const ParameterSpace space(layout, 64, collectives);
  CommunicationThread thread(collectives);
  Optimizer optimizer(spec, clip_norm, space, dimensions, thread, device);
  const auto schedule = make_gradient_schedule(space, thread, optimizer.adds_slabs());
  GradientAverager averager(model, space, thread, *schedule, device);
  for (int step = 0; step < kSteps; ++step) {
    averager.begin(1);
    loss_of(model, step).backward();
    const int unusable = start != Start::late && step == kUnusableStep ? 1 : 0;
    if (start == Start::early_but_one) {
      averager.end_backward();
      optimizer.start(&unusable, spec.learning_rate);
    }
    SumSlots slots;
    EXPECT_TRUE(averager.finish(slots));
    if (start == Start::early_but_one && unusable != 0) optimizer.take_back();
    if (start != Start::early_but_one && unusable == 0) {
      optimizer.step(*schedule, spec.learning_rate);
    }
  }
  EXPECT_EQ(optimizer.steps(), start == Start::late ? kSteps : kSteps - 1);
  EXPECT_EQ(optimizer.starts_early(), clip_norm == 0 && spec.type != OptimizerSpec::Type::lars);
  return model.parameters();
}

using MakeOptimizer =
    std::function<std::unique_ptr<torch::optim::Optimizer>(const std::vector<torch::Tensor>&)>;

void expect_as_libtorch(const OptimizerSpec& spec, double clip_norm, const MakeOptimizer& make) {
  const auto model = make_model(small_mlp());
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, tensor] : model->parameters()) parameters.push_back(tensor);
  const auto optimizer = make(parameters);
  for (int step = 0; step < kSteps; ++step) {
    optimizer->zero_grad();
    loss_of(*model, step).backward();
    if (clip_norm > 0) torch::nn::utils::clip_grad_norm_(parameters, clip_norm);
    optimizer->step();
  }
  const auto ours = train_ours(spec, clip_norm);
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(torch::allclose(ours[i].tensor, parameters[i], 1e-5, 1e-6))
        << ours[i].name << " differs by " << (ours[i].tensor - parameters[i]).abs().max();
  }
}

OptimizerSpec spec_of(OptimizerSpec::Type type, double learning_rate, double weight_decay) {
  OptimizerSpec spec;
  spec.type = type;
  spec.learning_rate = learning_rate;
  spec.weight_decay = weight_decay;
  return spec;
}

TEST(Optimizer, IsLibtorchsSgdWithNesterovMomentumAndDecay) {
  OptimizerSpec spec = spec_of(OptimizerSpec::Type::sgd, 0.1, 0.01);
  spec.nesterov = true;
  expect_as_libtorch(spec, 0, [](const std::vector<torch::Tensor>& parameters) {
    auto options = torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01);
    return std::make_unique<torch::optim::SGD>(parameters, options);
  });
}

// On a GPU, which then skips what is not finite.
TEST(Optimizer, MayStartBeforeItIsKnownWhetherGradientsAreFinite) {
  for (const auto type : {OptimizerSpec::Type::sgd, OptimizerSpec::Type::adamw}) {
    const OptimizerSpec spec = spec_of(type, 0.05, 0.01);
    const auto late = train_ours(spec, 0, Start::late_but_one);
    const auto early = train_ours(spec, 0, Start::early_but_one);
    for (size_t i = 0; i < late.size(); ++i) {
      EXPECT_TRUE(torch::equal(early[i].tensor, late[i].tensor)) << early[i].name;
    }
  }
}

TEST(Optimizer, IsLibtorchsSgdUnderClippingByGlobalNorm) {
  OptimizerSpec spec = spec_of(OptimizerSpec::Type::sgd, 0.1, 0);
  spec.momentum = 0;
  expect_as_libtorch(spec, 0.05, [](const std::vector<torch::Tensor>& parameters) {
    return std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(0.1));
  });
}

TEST(Optimizer, IsLibtorchsAdamw) {
  expect_as_libtorch(spec_of(OptimizerSpec::Type::adamw, 0.01, 0.1), 0,
                     [](const std::vector<torch::Tensor>& parameters) {
                       auto options = torch::optim::AdamWOptions(0.01).weight_decay(0.1);
                       return std::make_unique<torch::optim::AdamW>(parameters, options);
                     });
}

// Libtorch has no LARS: the definition once more, in tensors.
class ReferenceLars final : public torch::optim::Optimizer {
 public:
  explicit ReferenceLars(std::vector<torch::Tensor> parameters)
      : Optimizer({torch::optim::OptimizerParamGroup(parameters)},
                  std::make_unique<torch::optim::SGDOptions>(0.1)),
        parameters_(std::move(parameters)),
        momentum_(parameters_.size()) {}
  torch::Tensor step(LossClosure) override {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      torch::Tensor& w = parameters_[i];
      torch::Tensor g = w.grad();
      double rate = 0.1;
      if (w.dim() > 1) {
        const double w_norm = w.norm().item<double>(), g_norm = g.norm().item<double>();
        rate *= 0.02 * w_norm / (g_norm + 0.01 * w_norm + 1e-8);
        g = g + 0.01 * w;
      }
      momentum_[i] = momentum_[i].defined() ? 0.9 * momentum_[i] + rate * g : rate * g;
      w.sub_(momentum_[i]);
    }
    return {};
  }

 private:
  std::vector<torch::Tensor> parameters_, momentum_;
};

TEST(Optimizer, IsLarsAsItsPaperDefinesIt) {
  OptimizerSpec spec = spec_of(OptimizerSpec::Type::lars, 0.1, 0.01);
  spec.epsilon = 1e-8;
  spec.trust = 0.02;
  expect_as_libtorch(spec, 0, [](const std::vector<torch::Tensor>& parameters) {
    return std::make_unique<ReferenceLars>(parameters);
  });
}

}  // namespace
}  // namespace ringtrain
