// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/runtime/models/zoo_models.hpp"

namespace ringtrain {
namespace {

using ::testing::ElementsAre;

// torchvision's names for a ResNet of basic or bottleneck blocks, written down from its source.
std::vector<std::string> torchvision_parameters(const std::vector<int>& blocks, int convs) {
  std::vector<std::string> names{"conv1.weight", "bn1.weight", "bn1.bias"};
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::string at =
          "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
      for (int conv = 1; conv <= convs; ++conv) {
        names.push_back(at + "conv" + std::to_string(conv) + ".weight");
        names.push_back(at + "bn" + std::to_string(conv) + ".weight");
        names.push_back(at + "bn" + std::to_string(conv) + ".bias");
      }
      if (block == 0 && (stage > 0 || convs == 3)) {
        names.push_back(at + "downsample.0.weight");
        names.push_back(at + "downsample.1.weight");
        names.push_back(at + "downsample.1.bias");
      }
    }
  }
  names.insert(names.end(), {"fc.weight", "fc.bias"});
  return names;
}

// Every layer's bn*.weight has its three buffers, in the same order.
std::vector<std::string> torchvision_buffers(const std::vector<std::string>& parameters) {
  std::vector<std::string> names;
  for (const std::string& parameter : parameters) {
    const auto end = parameter.rfind(".bias");
    if (end == std::string::npos || parameter == "fc.bias") continue;
    for (const char* buffer : {".running_mean", ".running_var", ".num_batches_tracked"}) {
      names.push_back(parameter.substr(0, end) + buffer);
    }
  }
  return names;
}

TEST(Resnets, HaveTorchvisionsNamesAndSizes) {
  struct Case {
    const char* name;
    std::vector<int> blocks;
    int convs;
    int64_t values;
  };
  // The numbers of values are torchvision's, for 224 pixels and 1000 classes.
  for (const auto& [name, blocks, convs, values] :
       {Case{"resnet18", {2, 2, 2, 2}, 2, 11689512}, Case{"resnet34", {3, 4, 6, 3}, 2, 21797672},
        Case{"resnet50", {3, 4, 6, 3}, 3, 25557032}}) {
    const auto model = make_model(options_for(name, 3, 224, 1000));
    const auto parameters = torchvision_parameters(blocks, convs);
    EXPECT_EQ(names_of(model->parameters()), parameters) << name;
    EXPECT_EQ(names_of(model->buffers()), torchvision_buffers(parameters)) << name;
    EXPECT_EQ(values_in(model->parameters()), values) << name;
  }
}

TEST(Resnets, TakeTheStemThatFitsTheImages) {
  const auto small = make_model(options_for("resnet18", 3, 64))->parameters();
  const auto large = make_model(options_for("resnet18", 3, 65))->parameters();
  EXPECT_THAT(small[0].tensor.sizes(), ElementsAre(64, 3, 3, 3));
  EXPECT_THAT(large[0].tensor.sizes(), ElementsAre(64, 3, 7, 7));
}

TEST(Resnets, TakeTheStemThatIsAskedFor) {
  auto options = options_for("resnet18", 3, 64);
  EXPECT_EQ(describe_model(options), "resnet18 with the stem for small images (3x3)");
  options.small_stem = false;
  EXPECT_THAT(make_model(options)->parameters()[0].tensor.sizes(), ElementsAre(64, 3, 7, 7));
  EXPECT_EQ(describe_model(options),
            "resnet18 with the stem for large images (7x7, stride 2, pooling)");
}

}  // namespace
}  // namespace ringtrain
