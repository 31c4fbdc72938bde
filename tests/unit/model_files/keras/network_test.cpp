// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/error.hpp"
#include "tests/unit/model_files/keras/configs.hpp"

namespace ringtrain::model_files::keras {
namespace {

using testing::conv;
using testing::dense;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::input;
using testing::json;
using testing::layer;
using testing::sequential;

// The one line with which a model is refused.
std::string refusal(const std::string& config) {
  try {
    parse_network(config, "m.h5");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("m.h5: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  return "";
}

// A model with this layer behind an input of 8 x 8 x 3, in front of classes.
std::string refusal_of(const json& own) {
  return refusal(
      sequential({input({8, 8, 3}), own, layer("Flatten", "f"), dense("d", 2, "linear")}));
}

std::vector<Kind> kinds(const Network& network) {
  std::vector<Kind> result;
  for (const Layer& own : network.layers) result.push_back(own.kind);
  return result;
}

TEST(KerasNetwork, HasTheLayersOfTheFileWithoutTheLastSoftmax) {
  const Network network = parse_network(testing::small_net(), "m.h5");
  EXPECT_THAT(network.sample, ElementsAre(1, 6, 5));
  EXPECT_THAT(kinds(network), ElementsAre(Kind::conv2d, Kind::relu, Kind::max_pooling2d,
                                          Kind::dropout, Kind::flatten, Kind::dense));
  EXPECT_EQ(network.last_activation, "softmax");
  EXPECT_EQ(network.outputs, 3);
  const auto weights = weights_of(network);
  ASSERT_EQ(weights.size(), 4U);
  EXPECT_EQ(weights[0].name, "conv2d.weight");
  EXPECT_THAT(weights[0].keras_shape, ElementsAre(3, 3, 1, 2));
  EXPECT_THAT(weights[0].shape, ElementsAre(2, 1, 3, 3));
  EXPECT_THAT(weights[2].flattened, ElementsAre(2, 1, 2));
}

TEST(KerasNetwork, TakesTheInputShapeOfKeras2) {
  json first = conv("c", 2);
  first["config"]["batch_input_shape"] = {nullptr, 8, 6, 3};
  const json layers = {first, layer("Flatten", "f"), dense("d", 1, "sigmoid")};
  const std::string old = json{{"class_name", "Sequential"}, {"config", layers}}.dump();
  const Network network = parse_network(old, "m.h5");
  EXPECT_THAT(network.sample, ElementsAre(3, 8, 6));
  EXPECT_EQ(network.last_activation, "sigmoid");
}

TEST(KerasNetwork, TakesImagesWithoutChannelsAndTables) {
  const auto images = parse_network(
      sequential({input({28, 28}), layer("Flatten", "f"), dense("d", 10, "softmax")}), "");
  EXPECT_THAT(images.sample, ElementsAre(1, 28, 28));
  const auto table = parse_network(sequential({input({7}), dense("d", 2, "linear")}), "");
  EXPECT_THAT(table.sample, ElementsAre(7, 1, 1));
  EXPECT_EQ(weights_of(table)[0].flattened[2], 0);
}

TEST(KerasNetwork, PadsAsMuchOnBothSidesOrNotAtAll) {
  const auto padding = [](int64_t size, int64_t kernel, int64_t stride) {
    const auto network = parse_network(sequential({input({size, size, 1}),
                                                   conv("c", 1,
                                                        {{"kernel_size", {kernel, kernel}},
                                                         {"strides", {stride, stride}},
                                                         {"padding", "same"}}),
                                                   layer("Flatten", "f"), dense("d", 2, "linear")}),
                                       "m.h5");
    return network.layers[0].padding[0];
  };
  EXPECT_EQ(padding(8, 3, 1), 1);
  EXPECT_EQ(padding(8, 5, 1), 2);
  EXPECT_EQ(padding(9, 3, 2), 1);
  EXPECT_THAT(refusal_of(conv("c", 1, {{"strides", {2, 2}}, {"padding", "same"}})),
              HasSubstr("layer 'c' (Conv2D) pads one side more than the other"));
}

TEST(KerasNetwork, RefusesByNameWhatCannotBeConverted) {
  EXPECT_THAT(
      refusal_of(layer("SeparableConv2D", "sep")),
      HasSubstr("layer 'sep' (SeparableConv2D) cannot be converted; these can: Activation,"));
  EXPECT_THAT(refusal_of(layer("LSTM", "a\x1b[2J")), HasSubstr("layer 'a\\x1b[2J' (LSTM) cannot"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"groups", 3}})), HasSubstr("has the groups 3, which"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"dilation_rate", {2, 2}}})), HasSubstr("a dilation"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"data_format", "channels_first"}})),
              HasSubstr("has the data_format \"channels_first\", which cannot be converted"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"activation", "gelu"}})), HasSubstr("activation 'gelu'"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"activation", "softmax"}})),
              HasSubstr("over feature maps"));
  EXPECT_THAT(refusal_of(dense("d0", 2, "relu")), HasSubstr("'d0' (Dense) gets feature maps"));
  EXPECT_THAT(refusal_of(layer("BatchNormalization", "b", {{"axis", 1}})),
              HasSubstr("another axis"));
  EXPECT_THAT(refusal_of(layer("BatchNormalization", "b", {{"scale", false}})),
              HasSubstr("has the scale false"));
  EXPECT_THAT(refusal(sequential({input({4}), dense("a", 2, "softmax"), dense("b", 2, "linear")})),
              HasSubstr("layer 'b' (Dense) follows a softmax, which must be the last"));
  EXPECT_THAT(refusal(R"({"class_name": "Functional", "config": {}})"),
              HasSubstr("is a Functional model; Sequential ones can be converted"));
}

TEST(KerasNetwork, RefusesConfigurationsThatAreNone) {
  for (const char* text : {"", "{", "[]", "7", R"({"class_name": 7, "config": []})"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  const std::string deep(100'000, '[');
  EXPECT_THAT(refusal(R"({"class_name": "Sequential", "config": )" + deep), HasSubstr("too deep"));
  EXPECT_THAT(refusal(R"({"class_name": "Sequential", "config": {"layers": []}})"),
              HasSubstr("has no layers"));
  EXPECT_THAT(refusal(sequential({json{{"class_name", "Dense"}}})),
              HasSubstr("without class_name or"));
  EXPECT_THAT(refusal(sequential({dense("d", 2, "linear")})), HasSubstr("has no input shape"));
  EXPECT_THAT(refusal(sequential({input({4}), dense("d", -1, "linear")})), HasSubstr("units -1"));
  EXPECT_THAT(refusal(sequential({input({4}), dense("d", int64_t{1} << 40, "linear")})),
              HasSubstr("has the units 1099511627776; it is 1 to 16777216"));
  EXPECT_THAT(refusal(sequential({input({1 << 20}), dense("d", 1 << 20, "linear")})),
              HasSubstr("more than 2^31 weights"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"kernel_size", {9, 9}}})),
              HasSubstr("larger than its input"));
  EXPECT_THAT(refusal_of(conv("c", 1, {{"kernel_size", "x"}})), HasSubstr("two numbers from 1"));
  EXPECT_THAT(refusal(sequential({input({4}), dense("d", 2, "relu"), dense("d", 2, "linear")})),
              HasSubstr("has the name of another layer"));
  EXPECT_THAT(refusal(sequential({input({8, 8, 1}), conv("c", 2)})),
              HasSubstr("ends with feature"));
}

std::vector<float> counted(int64_t elements) {
  std::vector<float> numbers(static_cast<size_t>(elements));
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  return numbers;
}

TEST(KerasWeights, KernelsAreTransposed) {
  const Weight weight{"c.weight", {2, 3, 1, 2}, {1, 2, 3, 2}};  // [h, w, in, out]
  const auto numbers = counted(12);
  const auto own = from_keras(weight, numbers);
  for (size_t w = 0; w < 2; ++w) {
    for (size_t in = 0; in < 3; ++in) {
      for (size_t out = 0; out < 2; ++out) {
        EXPECT_EQ(own[(out * 3 + in) * 2 + w], numbers[(w * 3 + in) * 2 + out]);
      }
    }
  }
  EXPECT_EQ(to_keras(weight, own), numbers);
}

TEST(KerasWeights, FeaturesBehindAFlattenAreReordered) {
  const Weight weight{"d.weight", {2, 12}, {12, 2}, false, {2, 3, 2}};  // height, width, channels
  const auto numbers = counted(24);
  const auto own = from_keras(weight, numbers);
  for (size_t h = 0; h < 2; ++h) {
    for (size_t w = 0; w < 3; ++w) {
      for (size_t c = 0; c < 2; ++c) {
        for (size_t out = 0; out < 2; ++out) {
          EXPECT_EQ(own[out * 12 + (c * 2 + h) * 3 + w], numbers[((h * 3 + w) * 2 + c) * 2 + out]);
        }
      }
    }
  }
  EXPECT_EQ(to_keras(weight, own), numbers);
}

}  // namespace
}  // namespace ringtrain::model_files::keras
