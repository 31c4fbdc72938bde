// SPDX-License-Identifier: Apache-2.0
// Steps that a real GPU captures and replays, against the same steps run eagerly; on one rank, or
// on several that share the device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/averaging/slab_view.hpp"
#include "runtime/device/device_cuda.hpp"
#include "runtime/train/captured_step.hpp"
#include "runtime/train/precision.hpp"
#include "tests/integration/rank_parts.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

constexpr int64_t kRows = 16;  // of every rank
constexpr int kSteps = 12;
constexpr int kShortStep = 7;

ModelOptions options_for(const std::string& name) {
  return {.name = name,
          .hidden = {},
          .channels = 1,
          .height = 28,
          .width = 28,
          .classes = 10,
          .seed = 5};
}

std::unique_ptr<Model> make_on_card(const ModelOptions& options) {
  auto model = make_model(options);
  model->to(at::Device(at::kCUDA, 0));
  return model;
}

// Deterministic arithmetic, so that the two ways differ by nothing but the capture.
std::unique_ptr<Device> make_card(JobSpec::Precision precision) {
  auto device = std::make_unique<CudaDevice>(0);
  JobSpec job;
  job.precision = precision;
  job.deterministic = true;
  set_arithmetic(*device, job);
  return device;
}

class CardTraining : public RankParts {
 public:
  CardTraining(const std::string& name, bool captures,
               JobSpec::Precision precision = JobSpec::Precision::fp32)
      : RankParts(make_card(precision), options_for(name), make_on_card, {}, 1 << 20,
                  /*adds_slabs=*/false, precision != JobSpec::Precision::fp32),
        step_(
            [this](const torch::Tensor& x, const torch::Tensor& y,
                   const CapturedStep::LastBackward& last) {
              using Options = torch::nn::functional::CrossEntropyFuncOptions;
              const torch::Tensor loss = torch::nn::functional::cross_entropy(
                  torch::dropout(model->forward(x), 0.1, /*train=*/true), y,
                  Options().reduction(torch::kSum));
              last(loss);
              return loss.detach().to(torch::kFloat64);
            },
            captures, *device, *model, averager,
            [this](const std::string& line) { log.push_back(line); }) {
    model->train(true);
  }

  // Takes step s on samples of its own, and fewer of them in one, as at the end of an epoch.
  double run_step(int s) {
    torch::manual_seed(static_cast<uint64_t>(100 * s + test_world().rank()));
    const int64_t rows = s == kShortStep ? kRows / 2 : kRows;
    const torch::Tensor inputs = torch::randn({rows, 1, 28, 28}).to(device->torch());
    const torch::Tensor labels = (torch::arange(rows) % 10).to(device->torch());
    const CapturedStep::Reads into = step_.reads(rows);
    const double loss = step_
                            .run({.inputs = put(inputs, into.inputs),
                                  .labels = put(labels, into.labels),
                                  .scale = 1.0F / static_cast<float>(rows * test_world().size()),
                                  .seed = static_cast<uint64_t>(s)})
                            .item<double>();
    SumSlots slots;
    const auto summed = slots.add("loss", loss);
    EXPECT_TRUE(averager.finish(slots));
    const Slabs slabs = collectives->slabs();
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      schedule->wait(b);
      view_of(slabs.parameters, space.shares[b], *device)
          .sub_(view_of(slabs.gradients, space.shares[b], *device), 0.02);
    }
    thread.all_gather(space.buckets);
    return slots[summed];
  }

  bool replays() const { return step_.reads(kRows).inputs.defined(); }

  std::vector<std::string> log;

 private:
  // The graph's own tensor is filled where there is one, as CudaDevice::load() does it.
  static torch::Tensor put(const torch::Tensor& values, const torch::Tensor& into) {
    return into.defined() ? into.copy_(values) : values;
  }

  CapturedStep step_;
};

class CardSteps : public testing::TestWithParam<std::string> {};

TEST_P(CardSteps, TrainLikeEagerSteps) {
  CardTraining captured(GetParam(), true), eager(GetParam(), false);
  for (int s = 0; s < kSteps; ++s) {
    const double expected = eager.run_step(s);
    EXPECT_NEAR(captured.run_step(s), expected, 1e-4 * expected) << s;
  }
  EXPECT_THAT(captured.log, testing::IsEmpty());
  EXPECT_TRUE(captured.replays());
}

INSTANTIATE_TEST_SUITE_P(Zoo, CardSteps, testing::Values("mlp", "lenet5", "lenet", "resnet18"),
                         [](const auto& test) { return test.param; });

// TF32 with weights channels last, against fp32 with the usual layout.
TEST(CardStep, IsTheSameInTheLayoutOfTensorCores) {
  for (const char* name : {"lenet", "resnet18"}) {
    std::vector<double> losses;
    {
      CardTraining tensor_cores(name, true, JobSpec::Precision::tf32);
      for (int s = 0; s < kSteps; ++s) losses.push_back(tensor_cores.run_step(s));
      EXPECT_THAT(tensor_cores.log, testing::IsEmpty());
    }
    CardTraining plain(name, false);
    for (int s = 0; s < kSteps; ++s) {
      const double expected = plain.run_step(s);
      EXPECT_NEAR(losses[static_cast<size_t>(s)], expected, 0.05 * expected) << name << s;
    }
  }
}

// Sums over ranks on the device, here of each rank alone, are a part of the graph.
TEST(CardStep, OfAModelThatSumsOnTheDeviceIsCaptured) {
  CardTraining captured("resnet18", true), eager("resnet18", false);
  for (CardTraining* training : {&captured, &eager}) {
    training->model->set_sum_over_ranks([](std::span<double>) {},
                                        {.start = [](const torch::Tensor&) {}});
  }
  for (int s = 0; s < kSteps; ++s) {
    const double expected = eager.run_step(s);
    EXPECT_NEAR(captured.run_step(s), expected, 1e-4 * expected) << s;
  }
  EXPECT_THAT(captured.log, testing::IsEmpty());
  EXPECT_TRUE(captured.replays());
}

TEST(CardStep, OfAModelThatWaitsForRanksAreNotCaptured) {
  CardTraining training("resnet18", true);
  training.model->set_sum_over_ranks(
      [&](std::span<double> values) { training.thread.all_reduce(values); });
  for (int s = 0; s < kShortStep; ++s) training.run_step(s);
  EXPECT_THAT(training.log, testing::IsEmpty());
}

// It asks the device for a number, which cannot be captured, and drops values at random, which
// libtorch 2.11 would refuse after a failed capture.
std::string save_a_model_that_waits(const TemporaryDirectory& folder) {
  torch::jit::Module module("waits");
  module.register_parameter("weight", torch::randn({10, 784}) * 0.01, /*is_buffer=*/false);
  module.attr("weight").toTensor().set_requires_grad(true);
  module.register_attribute("training", c10::BoolType::get(), true);
  module.define(R"(
def forward(self, x: Tensor) -> Tensor:
    x = torch.dropout(torch.flatten(x, 1), 0.5, self.training)
    scale = 1.0
    if torch.sum(x).item() > 1.0e30:
        scale = 0.5
    return torch.matmul(x, self.weight.t()) * scale
)");
  const std::string path = (folder.path() / "waits.pt").string();
  module.save(path);
  return path;
}

TEST(CardStep, GoesOnWithDropoutAfterAFailedCapture) {
  const TemporaryDirectory folder;
  CardTraining training(save_a_model_that_waits(folder), true);
  for (int s = 0; s < 24; ++s) EXPECT_TRUE(std::isfinite(training.run_step(s))) << s;
  EXPECT_THAT(training.log, testing::ElementsAre(testing::HasSubstr("not captured")));
  // The device can still capture another model's steps.
  CardTraining other("lenet", true);
  for (int s = 0; s < kSteps; ++s) EXPECT_TRUE(std::isfinite(other.run_step(s))) << s;
  EXPECT_THAT(other.log, testing::IsEmpty());
}

}  // namespace
}  // namespace ringtrain
