// SPDX-License-Identifier: Apache-2.0
// The averaged gradients of a step, on any number of ranks, against one autograd run on the whole
// batch.
#include "runtime/averaging/gradient_averager.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "datasets/reading/order.hpp"
#include "runtime/averaging/slab_view.hpp"
#include "tests/integration/rank_parts.hpp"

namespace ringtrain {
namespace {

using Backend = CommOptions::Backend;

constexpr int64_t kRows = 11;  // no multiple of any number of ranks tested
constexpr int64_t kClasses = 5;

ModelOptions options_for(const std::string& name) {
  const bool resnet = name.starts_with("resnet");
  const int64_t pixels = resnet ? 8 : 28;
  return {.name = name,
          .hidden = {},
          .channels = resnet ? 3 : 1,
          .height = pixels,
          .width = pixels,
          .classes = kClasses,
          .seed = 7};
}

// Lifts the inputs of ReLUs off zero by normalisation's biases. An input within rounding of zero
// may fall on either side and take its whole part of the gradient along, and a deep network has so
// many that some do.
std::unique_ptr<Model> make_smooth_model(const ModelOptions& options) {
  auto model = make_model(options);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : model->parameters()) {
    const bool normalisation =
        name.find("bn") != std::string::npos || name.find("downsample.1") != std::string::npos;
    if (normalisation && name.ends_with("bias")) tensor.fill_(3);
  }
  return model;
}

torch::Tensor summed_loss(Model& model, const torch::Tensor& x, const torch::Tensor& y) {
  using Options = torch::nn::functional::CrossEntropyFuncOptions;
  return torch::nn::functional::cross_entropy(model.forward(x), y,
                                              Options().reduction(torch::kSum));
}

// A model on its way through one step, as the trainer puts it together.
struct Step : RankParts {
  Step(const ModelOptions& options, const CommOptions& communication, bool channels_last = false)
      : RankParts(make_device(JobSpec::Device::cpu, 0), options, make_smooth_model, communication,
                  50'000, /*adds_slabs=*/false, channels_last) {
    model->set_sum_over_ranks([this](std::span<double> values) { thread.all_reduce(values); });
  }

  bool run(const torch::Tensor& x, const torch::Tensor& y) {
    const auto slice = datasets::slice_of({0, kRows}, test_world().rank(), test_world().size());
    const auto begin = static_cast<int64_t>(slice.first),
               end = begin + static_cast<int64_t>(slice.count);
    model->train(true);
    averager.begin(1.0F / kRows);
    torch::Tensor loss = summed_loss(*model, x.slice(0, begin, end), y.slice(0, begin, end));
    loss.backward();
    SumSlots slots;
    const auto slot = slots.add("loss", loss.item<double>());
    const bool finite = averager.finish(slots);
    loss_of_ranks = slots[slot];
    return finite;
  }

  // Every rank's share of the sums, put together.
  torch::Tensor whole_gradient_slab() {
    std::vector<double> whole(space.elements());
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const float* sums = schedule->wait(b)[0];
      const Range share = space.shares[b];
      for (size_t i = share.begin; i < share.end; ++i) whole[i] = sums[i];
    }
    thread.all_reduce(whole, Over::shares);
    return torch::tensor(whole, torch::kFloat64);
  }

  double loss_of_ranks = 0;  // summed over the ranks by the last run()
};

class GradientAveragerTest : public testing::TestWithParam<std::tuple<std::string, Backend>> {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    const auto options = options_for(std::get<0>(GetParam()));
    x = torch::randn({kRows, options.channels, options.height, options.width});
    y = torch::arange(kRows) % kClasses;
  }
  torch::Tensor x, y;
};

// Relative difference, in the norm of the whole slab, between a step of all ranks and plain
// autograd.
double difference_from_autograd(const std::string& name, Backend backend, const torch::Tensor& x,
                                const torch::Tensor& y, bool channels_last = false) {
  const auto reference = make_smooth_model(options_for(name));
  reference->train(true);
  torch::Tensor loss = summed_loss(*reference, x, y);
  (loss / kRows).backward();

  Step step(options_for(name), {.backend = backend}, channels_last);
  EXPECT_TRUE(step.run(x, y));
  EXPECT_NEAR(step.loss_of_ranks, loss.item<double>(), 1e-5 * loss.item<double>());

  const torch::Tensor slab = step.whole_gradient_slab();
  const auto parameters = reference->parameters();
  torch::Tensor expected = torch::zeros_like(slab);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Range range = step.space.layout.parameter(i);
    expected.slice(0, static_cast<int64_t>(range.begin), static_cast<int64_t>(range.end))
        .copy_(in_slab_order(parameters[i].tensor.grad(), step.space.layout).flatten());
  }
  return ((slab - expected).norm() / expected.norm()).item<double>();
}

TEST_P(GradientAveragerTest, EqualsOneAutogradRunOnTheGlobalBatch) {
  const auto& [name, backend] = GetParam();
  // Every layer rounds in its own way. With batch normalisation that adds up: libtorch itself, with
  // 1 thread against 2, differs by 1e-6 in resnet18; biases as above make it 3e-6 to 3e-5, growing
  // with depth.
  const double tolerance = name.starts_with("resnet") ? 1e-4 : 1e-6;
  const double difference = difference_from_autograd(name, backend, x, y);
  if (test_world().rank() == 0) std::printf("relative difference %.2g\n", difference);
  EXPECT_LT(difference, tolerance);
}

// The layout of GPUs, with the same sums.
TEST_P(GradientAveragerTest, TakesWeightsThatAreChannelsLast) {
  const auto& [name, backend] = GetParam();
  if (name.starts_with("resnet") && name != "resnet18") GTEST_SKIP() << "layers as resnet18 has";
  EXPECT_LT(difference_from_autograd(name, backend, x, y, /*channels_last=*/true),
            name.starts_with("resnet") ? 1e-4 : 1e-6);
}

TEST_P(GradientAveragerTest, TellsEveryRankOfANonFiniteGradientOfOne) {
  const auto& [name, backend] = GetParam();
  Step step(options_for(name), {.backend = backend});
  torch::Tensor poisoned = x.clone();
  poisoned[kRows - 1] = std::numeric_limits<float>::infinity();  // the last rank's
  EXPECT_FALSE(step.run(poisoned, y));
  EXPECT_TRUE(step.run(x, y));  // and the next step is a step like any other
}

std::string name_of(const testing::TestParamInfo<std::tuple<std::string, Backend>>& test) {
  const bool mpi = std::get<1>(test.param) == Backend::mpi;
  return std::get<0>(test.param) + (mpi ? "_mpi" : "_auto");
}

INSTANTIATE_TEST_SUITE_P(Zoo, GradientAveragerTest,
                         testing::Combine(testing::Values("mlp", "lenet5", "lenet", "resnet18",
                                                          "resnet34", "resnet50"),
                                          testing::Values(Backend::automatic, Backend::mpi)),
                         name_of);

}  // namespace
}  // namespace ringtrain
