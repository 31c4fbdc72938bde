// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/model_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelFiles : public testing::Test {
 protected:
  TemporaryDirectory scratch_;
};

TEST_F(ModelFiles, SafetensorsComeBackAsTheyWere) {
  const auto path = scratch_.path() / "model.safetensors";
  const std::vector<NamedTensor> tensors{
      {"a.weight", torch::randn({3, 5}).set_requires_grad(true)},
      {"a.transposed", torch::randn({3, 5}).t()},
      {"count", torch::tensor(7, torch::kInt64)},
      {"empty", torch::empty({0, 4})},
      {"half", torch::randn({3}).to(torch::kBFloat16)},
      {"mask", torch::tensor({true, false, true})},
      {"wide", torch::randn({2}, torch::kFloat64)},
  };
  const std::map<std::string, std::string> metadata{{"ringtrain", "{\"mean\":[0.5]}"},
                                                    {"format", "pt"}};
  write_safetensors(path, tensors, metadata);
  EXPECT_THAT(scratch_.names(), ElementsAre("model.safetensors"));

  const Safetensors read = read_safetensors(path);
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto found = std::find_if(read.tensors.begin(), read.tensors.end(),
                                    [&](const auto& item) { return item.name == name; });
    ASSERT_NE(found, read.tensors.end()) << name;
    EXPECT_EQ(found->tensor.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(found->tensor, tensor)) << name;
  }
}

TEST_F(ModelFiles, TorchScriptOpensAgainWithItsExtraFiles) {
  const auto path = scratch_.path() / "model.pt";
  ModelOptions options{.name = "lenet5",
                       .hidden = {},
                       .channels = 1,
                       .height = 28,
                       .width = 28,
                       .classes = 10,
                       .seed = 3};
  const auto model = make_model(options);
  write_torchscript(path, *model, {{"ringtrain.json", "{}"}, {"empty", ""}});
  EXPECT_THAT(scratch_.names(), ElementsAre("model.pt"));

  torch::jit::ExtraFilesMap extra{{"ringtrain.json", "?"}};
  auto loaded = torch::jit::load(path.string(), torch::kCPU, extra);
  EXPECT_EQ(extra["ringtrain.json"], "{}");
  EXPECT_FALSE(loaded.is_training());
  model->train(false);
  const torch::NoGradGuard no_grad;
  for (const int64_t rows : {1, 7}) {
    const auto x = torch::randn({rows, 1, 28, 28});
    EXPECT_TRUE(torch::equal(loaded.forward({x}).toTensor(), model->forward(x)));
  }

  EXPECT_THAT([&] { write_torchscript(scratch_.path() / "no" / "model.pt", *model, {}); },
              ThrowsError(ErrorKind::io, HasSubstr("model.pt")));
}

TEST_F(ModelFiles, ATypeThatSafetensorsDoesNotHaveIsRefusedAndLeavesTheOldFileWhole) {
  const auto path = scratch_.path() / "model.safetensors";
  write_safetensors(path, {}, {{"old", "1"}});
  const NamedTensor bad{"c", torch::ones({1}, torch::kComplexFloat)};
  EXPECT_THAT([&] { write_safetensors(path, std::vector{bad}, {}); }, ThrowsError(ErrorKind::job));
  EXPECT_EQ(read_safetensors(path).metadata.count("old"), 1U);
  EXPECT_THAT(scratch_.names(), ElementsAre("model.safetensors"));
}

}  // namespace
}  // namespace ringtrain
