// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/models/model.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

class TorchScript : public testing::Test {
 protected:
  // A module with a weight [4, 12] and this forward, as a user's torch.jit.script would leave it.
  torch::jit::Module module_with(const std::string& forward) const {
    torch::jit::Module module("Net");
    module.register_attribute("training", c10::BoolType::get(), true);
    module.register_parameter("weight", torch::randn({4, 12}), /*is_buffer=*/false);
    module.attr("weight").toTensor().set_requires_grad(true);
    module.register_buffer("running_mean", torch::zeros({3}));
    module.register_buffer("running_var", torch::ones({3}));
    module.define("def forward(self, x: Tensor):\n" + forward);
    return module;
  }

  ModelOptions saved(const torch::jit::Module& module) const {
    const auto path = scratch_.path() / "net.pt";
    module.save(path.string());
    return options_for(path.string());
  }

  static ModelOptions options_for(const std::string& name) {
    return {.name = name,
            .hidden = {},
            .channels = 3,
            .height = 2,
            .width = 2,
            .classes = 4,
            .seed = 1};
  }

  static void expect_refused(const ModelOptions& options, const std::string& because) {
    EXPECT_THAT([&] { make_model(options); },
                ThrowsError(ErrorKind::job, AllOf(StartsWith("model " + options.name),
                                                  HasSubstr(because), Not(HasSubstr("\n")))));
  }

  TemporaryDirectory scratch_;
};

const char* const kLinear = "    return torch.linear(x.flatten(1), self.weight)\n";

TEST_F(TorchScript, TrainsAsAnyModel) {
  const auto model = make_model(saved(module_with(kLinear)));
  ASSERT_EQ(model->parameters().size(), 1U);
  EXPECT_EQ(model->parameters()[0].name, "weight");
  EXPECT_EQ(model->buffers().size(), 2U);
  EXPECT_FALSE(model->uses_local_batch_statistics());

  const auto weight = model->parameters()[0].tensor;
  const auto x = torch::randn({5, 3, 2, 2});
  const auto upstream = torch::randn({5, 4});
  model->forward(x).backward(upstream);
  EXPECT_TRUE(torch::allclose(weight.grad(), upstream.t().mm(x.flatten(1)), 1e-5, 1e-6));
}

TEST_F(TorchScript, FollowsParametersThatArePointedElsewhere) {
  const auto model = make_model(saved(module_with(kLinear)));
  auto slab = torch::ones({100});
  auto weight = model->parameters()[0].tensor;
  weight.set_data(slab.slice(0, 8, 56).view({4, 12}));
  const auto x = torch::ones({2, 3, 2, 2});
  EXPECT_TRUE(torch::equal(model->forward(x), torch::full({2, 4}, 12.0F)));
  slab.fill_(2);
  EXPECT_TRUE(torch::equal(model->forward(x), torch::full({2, 4}, 24.0F)));
}

TEST_F(TorchScript, GivesZeroGradientsForZeroRows) {
  // view(-1) of nothing is what makes most exported models fail there.
  const auto model = make_model(
      saved(module_with("    return torch.linear(x.view(x.size(0), -1), self.weight)\n")));
  const auto logits = model->forward(torch::empty({0, 3, 2, 2}));
  EXPECT_THAT(logits.sizes(), ElementsAre(0, 4));
  logits.sum().backward();
  EXPECT_TRUE(torch::equal(model->parameters()[0].tensor.grad(), torch::zeros({4, 12})));
}

TEST_F(TorchScript, IsWrittenAsADeepCopy) {
  const auto model = make_model(saved(module_with(kLinear)));
  const auto x = torch::randn({7, 3, 2, 2});
  auto script = model->script();
  EXPECT_FALSE(script.is_training());
  EXPECT_TRUE(script.attr("weight").toTensor().requires_grad());
  const auto before = model->forward(x).detach().clone();
  EXPECT_TRUE(torch::equal(script.forward({x}).toTensor(), before));
  torch::NoGradGuard no_grad;
  model->parameters()[0].tensor.zero_();
  EXPECT_TRUE(torch::equal(script.forward({x}).toTensor(), before));
}

TEST_F(TorchScript, ModelsOfTheZooComeBackFromTheirOwnFiles) {
  auto options = options_for("resnet18");
  const auto zoo = make_model(options);
  const auto model = make_model(saved(zoo->script()));
  EXPECT_TRUE(model->uses_local_batch_statistics());
  EXPECT_EQ(model->parameters().size(), zoo->parameters().size());
  EXPECT_EQ(model->buffers().size(), zoo->buffers().size());
  const auto x = torch::randn({6, 3, 2, 2});
  for (const bool training : {true, false}) {
    zoo->train(training);
    model->train(training);
    EXPECT_TRUE(torch::equal(zoo->forward(x), model->forward(x)));
  }
  for (size_t i = 0; i < zoo->buffers().size(); ++i) {
    EXPECT_TRUE(torch::equal(zoo->buffers()[i].tensor, model->buffers()[i].tensor));
  }
}

TEST_F(TorchScript, SaysWhetherBatchStatisticsStayOnOneRank) {
  const auto with_training = [&](const std::string& training) {
    return make_model(
               saved(module_with("    x = torch.batch_norm(x, None, None, self.running_mean, "
                                 "self.running_var, " +
                                 training + ", 0.1, 1e-5, True)\n" + kLinear)))
        ->uses_local_batch_statistics();
  };
  EXPECT_TRUE(with_training("self.training"));
  EXPECT_TRUE(with_training("True"));
  EXPECT_FALSE(with_training("False"));
}

TEST_F(TorchScript, WarnsOfLayersThatAreFixedInOneMode) {
  const auto warning = [&](const std::string& training) {
    return make_model(
               saved(module_with("    x = torch.dropout(x, 0.5, " + training + ")\n" + kLinear)))
        ->warning();
  };
  EXPECT_EQ(warning("self.training"), "");
  EXPECT_THAT(warning("False"), HasSubstr("fixed in evaluation mode"));
  EXPECT_THAT(warning("True"), HasSubstr("fixed in training mode"));
}

TEST_F(TorchScript, NamesTheCauseAndTheLineOfAnErrorInTraining) {
  const auto model = make_model(saved(module_with(
      "    if x.size(0) > 3:\n        x = x.view(x.size(0), 13)\n" + std::string(kLinear))));
  EXPECT_THAT(
      [&] {
        model->forward(torch::zeros({4, 3, 2, 2}));
      },
      ThrowsError(ErrorKind::training,
                  AllOf(StartsWith("model " + (scratch_.path() / "net.pt").string() +
                                   ": shape '[4, 13]' is invalid for input of size 48 ("),
                        HasSubstr("x = x.view(x.size(0), 13)"), Not(HasSubstr("\n")))));
}

TEST_F(TorchScript, FrozenParametersAreKeptButNotTrained) {
  auto module = module_with(kLinear);
  module.register_parameter("frozen", torch::ones({2}).set_requires_grad(false), false);
  const auto model = make_model(saved(module));
  ASSERT_EQ(model->parameters().size(), 1U);
  EXPECT_EQ(model->buffers().size(), 3U);
  EXPECT_FALSE(model->script().attr("frozen").toTensor().requires_grad());
}

TEST_F(TorchScript, RefusesModelsThatCannotBeTrained) {
  auto frozen = module_with(kLinear);
  frozen.attr("weight").toTensor().set_requires_grad(false);
  expect_refused(saved(frozen), "no parameter that can be trained");

  auto wide = module_with(kLinear);
  wide.setattr("weight", torch::randn({4, 12}, torch::kFloat64).set_requires_grad(true));
  expect_refused(saved(wide), "parameter weight is Double; export the model in float32");

  torch::jit::Module no_forward("Net");
  no_forward.register_attribute("training", c10::BoolType::get(), true);
  expect_refused(saved(no_forward), "no method forward");
}

TEST_F(TorchScript, RefusesModelsThatDoNotFitTheDataset) {
  expect_refused(saved(module_with("    return torch.linear(x, self.weight)\n")),
                 "does not take the dataset's samples, a float tensor [2, 3, 2, 2]: mat1 and mat2 "
                 "shapes cannot be multiplied");
  auto more_classes = saved(module_with(kLinear));
  more_classes.classes = 5;
  expect_refused(
      more_classes,
      "returns Float [2, 4] for [2, 3, 2, 2], not float logits [2, 5] for the dataset's 5 classes");
  expect_refused(saved(module_with("    return (x, x)\n")), "not one tensor of logits [2, 4]");
  expect_refused(saved(module_with("    return torch.linear(x.reshape(2, 12), self.weight)\n")),
                 "float tensor [3, 3, 2, 2]");
  expect_refused(
      saved(module_with("    return torch.argmax(torch.linear(x.flatten(1), self.weight), 1)\n")),
      "returns Long [2]");
}

TEST_F(TorchScript, TakesWholeNumbersAndGivesTargets) {
  auto options =
      saved(module_with("    x = torch.embedding(self.weight, x.flatten(1)).mean(1)\n"
                        "    return torch.linear(x, self.weight)\n"));
  expect_refused(options, "a float tensor [2, 3, 2, 2]");
  options.whole_numbers = true;
  const auto model = make_model(options);
  EXPECT_EQ(model->forward(torch::ones({5, 3, 2, 2}, torch::kLong)).sizes(),
            torch::IntArrayRef({5, 4}));
  EXPECT_EQ(model->forward(torch::ones({0, 3, 2, 2}, torch::kLong)).scalar_type(), torch::kFloat);
  options.has_targets = true;
  options.classes = 1;
  expect_refused(
      options,
      "returns Float [2, 4] for [2, 3, 2, 2], not floats [2, 1] for the dataset's 1 target");
  auto floats = saved(module_with("    return torch.linear(x.flatten(1), self.weight)\n"));
  floats.whole_numbers = true;
  expect_refused(floats, "does not take the dataset's samples, an int64 tensor [2, 3, 2, 2]");
}

TEST_F(TorchScript, WarnsOfALastStepThatTheLossTakesItself) {
  const std::string logits = "torch.linear(x.flatten(1), self.weight)";
  const auto warning = [&](const std::string& result) {
    return make_model(saved(module_with("    y = " + logits + "\n" + result)))->warning();
  };
  EXPECT_EQ(warning("    return y\n"), "");
  EXPECT_THAT(warning("    return torch.softmax(y, 1)\n"),
              HasSubstr("its last step is softmax, and the loss cross_entropy takes softmax"));
  EXPECT_THAT(warning("    return torch.log_softmax(y, 1)\n"), HasSubstr("is log_softmax"));
  EXPECT_THAT(warning("    return torch.sigmoid(y)\n"), HasSubstr("is sigmoid"));
  // As torch.nn.functional.softmax, which has branches, and as people write it by hand.
  EXPECT_THAT(warning("    if self.training:\n      z = torch.softmax(y, 1)\n"
                      "    else:\n      z = torch.softmax(y, 1)\n    return z\n"),
              HasSubstr("is softmax"));
  EXPECT_THAT(warning("    e = torch.exp(y)\n    return e / e.sum(1, keepdim=True)\n"),
              HasSubstr("is softmax"));
}

TEST_F(TorchScript, WarnsOfALastStepThatTargetsCannotHave) {
  auto options =
      saved(module_with("    return torch.sigmoid(torch.linear(x.flatten(1), self.weight))\n"));
  options.has_targets = true;
  EXPECT_THAT(make_model(options)->warning(), HasSubstr("leave sigmoid out"));
}

TEST_F(TorchScript, RefusesBadFiles) {
  const auto path = scratch_.path() / "bad.pt";
  const auto options = options_for(path.string());
  expect_refused(options, "neither a file");
  std::ofstream(path) << "not a zip file";
  expect_refused(options,
                 "not a TorchScript file that can be opened: save the model by torch.jit.script");
  std::ofstream(path, std::ios::binary) << "\x80\x02}q.";
  expect_refused(options, "is a file of torch.save, which only Python can read: save the model by");

  module_with(kLinear).save(path.string());
  const auto whole = std::filesystem::file_size(path);
  for (const auto size : {whole - 1, whole / 2, decltype(whole){0}}) {
    std::filesystem::resize_file(path, size);
    expect_refused(options, "not a TorchScript file that can be opened");
  }
}

}  // namespace
}  // namespace ringtrain
