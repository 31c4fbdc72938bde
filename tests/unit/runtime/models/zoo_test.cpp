// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cmath>
#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/models/model.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/runtime/models/zoo_models.hpp"

namespace ringtrain {

void PrintTo(const ModelOptions& options, std::ostream* out) {
  *out << options.name << " on " << options.channels << " x " << options.height << " x "
       << options.width;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

bool same_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return names_of(a) == names_of(b) &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](const auto& x, const auto& y) { return torch::equal(x.tensor, y.tensor); });
}

TEST(Zoo, SmallNetworksHaveTheirPublishedSizes) {
  const auto mlp = make_model(options_for("mlp", 1, 28));
  EXPECT_THAT(names_of(mlp->parameters()), ElementsAre("fc0.weight", "fc0.bias", "fc1.weight",
                                                       "fc1.bias", "fc2.weight", "fc2.bias"));
  EXPECT_EQ(values_in(mlp->parameters()), 784 * 1024 + 1024 + 1024 * 1024 + 1024 + 10240 + 10);

  const auto lenet5 = make_model(options_for("lenet5", 1, 28));
  EXPECT_THAT(names_of(lenet5->parameters()),
              ElementsAre("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight",
                          "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"));
  EXPECT_EQ(values_in(lenet5->parameters()), 61706);
  EXPECT_EQ(values_in(make_model(options_for("lenet5", 1, 32))->parameters()), 61706);

  const auto lenet = make_model(options_for("lenet", 1, 28));
  EXPECT_THAT(names_of(lenet->parameters()),
              ElementsAre("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight",
                          "fc1.bias", "fc2.weight", "fc2.bias"));
  EXPECT_EQ(values_in(lenet->parameters()), 1199882);
}

TEST(Zoo, HiddenWidthsShapeTheMlp) {
  auto options = options_for("mlp", 3, 4, 5);
  options.hidden = {7};
  const auto parameters = make_model(options)->parameters();
  EXPECT_THAT(names_of(parameters),
              ElementsAre("fc0.weight", "fc0.bias", "fc1.weight", "fc1.bias"));
  EXPECT_THAT(parameters[0].tensor.sizes(), ElementsAre(7, 48));
  EXPECT_THAT(parameters[2].tensor.sizes(), ElementsAre(5, 7));
}

TEST(Zoo, WeightsAreAFunctionOfTheSeedAlone) {
  for (const char* name : {"mlp", "lenet5", "lenet", "resnet18"}) {
    const int threads = at::get_num_threads();
    torch::manual_seed(7);
    const auto first = make_model(options_for(name, 1, 28));
    at::set_num_threads(threads == 1 ? 2 : 1);
    torch::manual_seed(8);
    const auto second = make_model(options_for(name, 1, 28));
    at::set_num_threads(threads);
    const auto other = make_model(options_for(name, 1, 28, 10, 2));
    EXPECT_TRUE(same_tensors(first->parameters(), second->parameters())) << name;
    EXPECT_FALSE(same_tensors(first->parameters(), other->parameters())) << name;
  }
}

TEST(Zoo, WeightsFollowPyTorchsInitialDistributions) {
  const auto mlp = make_model(options_for("mlp", 1, 28))->parameters();
  const double bound = 1 / std::sqrt(784.0);
  for (const auto& tensor : {mlp[0].tensor, mlp[1].tensor}) {
    EXPECT_LE(tensor.abs().max().item<double>(), bound);
    EXPECT_NEAR(tensor.std().item<double>(), bound / std::sqrt(3.0), 0.05 * bound);
  }
  const auto resnet = make_model(options_for("resnet18", 3, 32))->parameters();
  // layer1.0.conv1: normal, variance 2 / (64 * 3 * 3).
  EXPECT_EQ(resnet[3].name, "layer1.0.conv1.weight");
  EXPECT_NEAR(resnet[3].tensor.std().item<double>(), std::sqrt(2.0 / 576), 0.001);
  EXPECT_NEAR(resnet[3].tensor.mean().item<double>(), 0, 0.001);
  EXPECT_TRUE(torch::equal(resnet[1].tensor, torch::ones({64})));
  EXPECT_TRUE(torch::equal(resnet[2].tensor, torch::zeros({64})));
}

class EveryZooModel : public testing::TestWithParam<ModelOptions> {};

TEST_P(EveryZooModel, MapsSamplesToLogitsAndGivesEveryParameterAGradient) {
  const auto& options = GetParam();
  const auto model = make_model(options);
  model->train(true);
  for (const int64_t rows : {5, 0}) {
    const auto x = torch::randn({rows, options.channels, options.height, options.width});
    const auto logits = model->forward(x);
    ASSERT_THAT(logits.sizes(), ElementsAre(rows, options.classes));
    for (const auto& parameter : model->parameters()) parameter.tensor.mutable_grad().reset();
    logits.square().sum().backward();
    for (const auto& [name, tensor] : model->parameters()) {
      ASSERT_TRUE(tensor.grad().defined()) << name;
      EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << name;
      EXPECT_TRUE(rows > 0 || !tensor.grad().any().item<bool>()) << name;
    }
  }
}

TEST_P(EveryZooModel, KeepsItsGradientsWhenItsParametersArePointedIntoOneSlab) {
  const auto& options = GetParam();
  const auto one = make_model(options);
  const auto two = make_model(options);
  auto slab = torch::empty({values_in(two->parameters())});
  int64_t at = 0;
  for (auto& parameter : two->parameters()) {
    auto part = slab.slice(0, at, at + parameter.tensor.numel()).view(parameter.tensor.sizes());
    part.copy_(parameter.tensor.detach());
    parameter.tensor.set_data(part);
    at += parameter.tensor.numel();
  }
  slab.mul_(1.5);
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : one->parameters()) parameter.tensor.mul_(1.5);
  }
  const auto x = torch::randn({2, options.channels, options.height, options.width});
  EXPECT_TRUE(torch::equal(one->forward(x), two->forward(x)));
  EXPECT_TRUE(same_tensors(one->parameters(), two->parameters()));
}

TEST_P(EveryZooModel, IsTheSameAsTorchScript) {
  const auto& options = GetParam();
  const auto model = make_model(options);
  const auto sample = [&](int64_t rows) {
    return torch::randn({rows, options.channels, options.height, options.width});
  };
  model->train(true);
  model->forward(sample(4));  // moves the running statistics
  auto script = model->script();
  model->train(false);
  torch::NoGradGuard no_grad;
  for (const int64_t rows : {1, 7, 2, 0}) {
    const auto x = sample(rows);
    EXPECT_TRUE(torch::equal(script.forward({x}).toTensor(), model->forward(x))) << rows;
  }
  const auto named = [](const auto& list) {
    std::vector<NamedTensor> tensors;
    for (const auto& item : list) tensors.push_back({item.name, item.value});
    return tensors;
  };
  EXPECT_TRUE(same_tensors(named(script.named_parameters()), model->parameters()));
  EXPECT_TRUE(same_tensors(named(script.named_buffers()), model->buffers()));

  // A deep copy: training continues without it.
  const auto x = sample(2);
  const auto before = script.forward({x}).toTensor();
  for (auto& parameter : model->parameters()) parameter.tensor.zero_();
  EXPECT_TRUE(torch::equal(script.forward({x}).toTensor(), before));
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, EveryZooModel,
    testing::Values(options_for("mlp", 1, 9), options_for("lenet5", 1, 28),
                    options_for("lenet5", 3, 33), options_for("lenet", 1, 28),
                    options_for("resnet18", 1, 9), options_for("resnet18", 3, 65, 4),
                    options_for("resnet34", 3, 8), options_for("resnet50", 3, 8)),
    [](const auto& test) { return test.param.name + "_" + std::to_string(test.param.height); });

// oneDNN's own layout in training changes nothing but the last bits.
TEST(Zoo, HasTheSameGradientsWithoutOneDnn) {
  for (const auto& options :
       {options_for("lenet5", 1, 28), options_for("lenet5", 3, 33), options_for("lenet", 3, 29)}) {
    const auto model = make_model(options);
    model->train(true);
    const auto x = torch::randn({6, options.channels, options.height, options.width});
    const auto gradients = [&] {
      for (const auto& parameter : model->parameters()) parameter.tensor.mutable_grad().reset();
      model->forward(x).square().sum().backward();
      std::vector<torch::Tensor> found;
      for (const auto& parameter : model->parameters()) found.push_back(parameter.tensor.grad());
      return found;
    };
    const auto with = gradients();
    at::globalContext().setUserEnabledMkldnn(false);
    const auto without = gradients();
    at::globalContext().setUserEnabledMkldnn(true);
    for (size_t i = 0; i < with.size(); ++i) {
      const double error = (with[i] - without[i]).norm().item<double>();
      EXPECT_LT(error, 1e-5 * without[i].norm().item<double>())
          << options.name << " " << model->parameters()[i].name;
    }
  }
}

TEST(Zoo, SaysWhenBatchStatisticsStayOnOneRank) {
  const auto resnet = make_model(options_for("resnet18", 3, 8));
  EXPECT_TRUE(resnet->uses_local_batch_statistics());
  resnet->set_sum_over_ranks([](std::span<double>) {});
  EXPECT_FALSE(resnet->uses_local_batch_statistics());
  resnet->set_sum_over_ranks({});
  EXPECT_TRUE(resnet->uses_local_batch_statistics());
  EXPECT_FALSE(make_model(options_for("lenet", 1, 28))->uses_local_batch_statistics());
}

TEST(Zoo, SaysHowPassesMeetOtherRanks) {
  const auto resnet = make_model(options_for("resnet18", 3, 8));
  EXPECT_FALSE(resnet->sums_over_ranks());
  resnet->set_sum_over_ranks([](std::span<double>) {});
  EXPECT_TRUE(resnet->sums_over_ranks());
  EXPECT_TRUE(resnet->waits_for_ranks());
  resnet->set_sum_over_ranks([](std::span<double>) {}, {.start = [](const torch::Tensor&) {}});
  EXPECT_TRUE(resnet->sums_over_ranks());
  EXPECT_FALSE(resnet->waits_for_ranks());
}

TEST(Zoo, CountsTheBatchesOfEveryBatchNormalisation) {
  const auto resnet = make_model(options_for("resnet18", 3, 8));
  const auto x = torch::randn({2, 3, 8, 8});
  for (const bool training : {true, true, false}) {
    resnet->train(training);
    resnet->forward(x);
  }
  int counters = 0;
  for (const auto& [name, tensor] : resnet->buffers()) {
    if (!name.ends_with("num_batches_tracked")) continue;
    ++counters;
    EXPECT_EQ(tensor.item<int64_t>(), 2) << name;
  }
  EXPECT_EQ(counters, 20);
}

TEST(Zoo, RefusesSamplesThatAreTooSmall) {
  EXPECT_NO_THROW(make_model(options_for("lenet5", 1, 12)));
  EXPECT_THAT(
      [] { make_model(options_for("lenet5", 1, 11)); },
      ThrowsError(ErrorKind::job, HasSubstr("lenet5 needs samples of at least 12 x 12 pixels")));
  EXPECT_NO_THROW(make_model(options_for("lenet", 1, 6)));
  EXPECT_THAT(
      [] { make_model(options_for("lenet", 1, 5)); },
      ThrowsError(ErrorKind::job, HasSubstr("lenet needs samples of at least 6 x 6 pixels")));
  EXPECT_NO_THROW(make_model(options_for("resnet18", 1, 1)));
}

TEST(Zoo, RefusesWhatItCannotBuild) {
  EXPECT_THAT([] { make_model(options_for("lenet6", 1, 28)); },
              ThrowsError(ErrorKind::job, HasSubstr("lenet6 is neither a file nor one of mlp")));
  EXPECT_THAT([] { make_model(options_for("mlp", 1, 28, 0)); },
              ThrowsError(ErrorKind::job, HasSubstr("0 outputs")));
  auto hidden = options_for("lenet", 1, 28);
  hidden.hidden = {10};
  EXPECT_THAT([&] { make_model(hidden); }, ThrowsError(ErrorKind::job, HasSubstr("hidden")));
  auto huge = options_for("mlp", 1, 28);
  huge.hidden = {int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_THAT([&] { make_model(huge); }, ThrowsError(ErrorKind::job, HasSubstr("cannot be built")));
}

}  // namespace
}  // namespace ringtrain
