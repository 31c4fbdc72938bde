// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/convert.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.hpp"
#include "model_files/keras/h5_file.hpp"
#include "model_files/keras/network.hpp"
#include "model_files/safetensors.hpp"
#include "tests/unit/model_files/keras/configs.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::model_files::keras {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file of small_net() whose numbers are all different.
H5File small_file() {
  H5File file{testing::small_net(), "2.2.4-tf", "tensorflow", {}};
  float next = 1;
  const auto weight = [&](const char* name, std::vector<int64_t> shape) {
    H5Weight own{name, shape, {}};
    for (int64_t i = 0; i < elements_of(shape); ++i) own.numbers.push_back(next++);
    return own;
  };
  file.layers = {
      {"conv2d", {weight("conv2d_2/kernel:0", {3, 3, 1, 2}), weight("conv2d_2/bias:0", {2})}},
      {"pool", {}},
      {"drop", {}},
      {"flatten", {}},
      {"dense", {weight("dense/kernel:0", {4, 3}), weight("dense/bias:0", {3})}}};
  return file;
}

class KerasConvert : public ::testing::Test {
 protected:
  template <typename Action>
  std::string refusal(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
    return "";
  }
  std::filesystem::path path(const char* name) const { return folder_ / name; }

  TemporaryDirectory folder_;
};

void expect_equal(const H5File& a, const H5File& b) {
  EXPECT_EQ(a.model_config, b.model_config);
  EXPECT_EQ(a.keras_version, b.keras_version);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].name, b.layers[i].name);
    ASSERT_EQ(a.layers[i].weights.size(), b.layers[i].weights.size());
    for (size_t k = 0; k < a.layers[i].weights.size(); ++k) {
      EXPECT_EQ(a.layers[i].weights[k].name, b.layers[i].weights[k].name);
      EXPECT_EQ(a.layers[i].weights[k].shape, b.layers[i].weights[k].shape);
      EXPECT_EQ(a.layers[i].weights[k].numbers, b.layers[i].weights[k].numbers);
    }
  }
}

TEST_F(KerasConvert, AFileIsReadAsItWasWritten) {
  write_h5(path("a.h5"), small_file());
  expect_equal(read_h5(path("a.h5")), small_file());
}

TEST_F(KerasConvert, ThereAndBackIsTheSameFile) {
  write_h5(path("a.h5"), small_file());
  h5_to_safetensors(path("a.h5"), path("a.safetensors"));
  std::map<std::string, std::vector<int64_t>> shapes;
  const SafetensorsReader reader(path("a.safetensors"));
  for (const StoredTensor& tensor : reader.tensors()) {
    shapes[tensor.info.name] = tensor.info.shape;
  }
  EXPECT_EQ(shapes, (std::map<std::string, std::vector<int64_t>>{{"conv2d.bias", {2}},
                                                                 {"conv2d.weight", {2, 1, 3, 3}},
                                                                 {"dense.bias", {3}},
                                                                 {"dense.weight", {3, 4}}}));
  safetensors_to_h5(path("a.safetensors"), path("b.h5"), std::nullopt);
  expect_equal(read_h5(path("b.h5")), small_file());
}

// As a job leaves a model of the zoo: other names, and more than nine layers of a kind.
void write_weights(const std::filesystem::path& to, const std::vector<TensorInfo>& tensors,
                   const Metadata& metadata) {
  SafetensorsWriter writer(to, tensors, metadata);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::vector<float> numbers(static_cast<size_t>(elements_of(tensors[i].shape)),
                                     static_cast<float>(i));
    writer.write(i, std::as_bytes(std::span(numbers)));
  }
  writer.commit();
}

TEST_F(KerasConvert, AModelOfTheZooGetsItsLayers) {
  std::string description = R"({"model": "mlp", "hidden": [)";
  std::vector<TensorInfo> tensors;
  for (int64_t i = 0; i < 12; ++i) {
    description += (i == 0 ? "" : i == 11 ? "" : ", ") + (i == 11 ? "" : std::to_string(i + 2));
    const int64_t in = i == 0 ? 6 : i + 1;
    tensors.push_back({"fc" + std::to_string(i) + ".weight", Dtype::f32, {i + 2, in}});
    tensors.push_back({"fc" + std::to_string(i) + ".bias", Dtype::f32, {i + 2}});
  }
  description += R"(], "shape": [1, 2, 3], "class_names": ["a","b","c","d","e","f","g","h","i","j",
                    "k","l","m"], "targets": []})";
  write_weights(path("m.safetensors"), tensors, {{"ringtrain", description}});
  safetensors_to_h5(path("m.safetensors"), path("m.h5"), std::nullopt);
  const H5File file = read_h5(path("m.h5"));
  const Network network = parse_network(file.model_config, "m.h5");
  EXPECT_EQ(network.last_activation, "softmax");
  EXPECT_THAT(network.sample, ElementsAre(1, 2, 3));
  EXPECT_EQ(file.layers.back().name, "fc11");
  EXPECT_EQ(file.layers.back().weights[0].numbers[0], 22);
}

TEST_F(KerasConvert, WeightsAreFoundByTheOrderOfLayersWhereNoNameFits) {
  write_h5(path("like.h5"), small_file());
  const std::vector<TensorInfo> tensors = {{"conv1.weight", Dtype::f32, {2, 1, 3, 3}},
                                           {"conv1.bias", Dtype::f32, {2}},
                                           {"fc1.weight", Dtype::f32, {3, 4}},
                                           {"fc1.bias", Dtype::f32, {3}}};
  write_weights(path("m.safetensors"), tensors, {});
  EXPECT_THAT(
      refusal([&] { safetensors_to_h5(path("m.safetensors"), path("m.h5"), std::nullopt); }),
      HasSubstr("does not say of which model its weights are; --like"));
  safetensors_to_h5(path("m.safetensors"), path("m.h5"), path("like.h5"));
  const H5File file = read_h5(path("m.h5"));
  EXPECT_EQ(file.layers[4].weights[1].numbers, (std::vector<float>{3, 3, 3}));
  EXPECT_EQ(file.model_config, small_file().model_config);
  auto other = tensors;
  other[2].shape = {3, 5};
  write_weights(path("n.safetensors"), other, {});
  EXPECT_THAT(
      refusal([&] { safetensors_to_h5(path("n.safetensors"), path("n.h5"), path("like.h5")); }),
      HasSubstr("tensor fc1.weight is [3, 5], where the model of Keras has [3, 4]"));
  other.pop_back();
  other.pop_back();
  write_weights(path("n.safetensors"), other, {});
  EXPECT_THAT(
      refusal([&] { safetensors_to_h5(path("n.safetensors"), path("n.h5"), path("like.h5")); }),
      HasSubstr("has weights of 1 layers, the model of Keras of 2"));
  EXPECT_FALSE(std::filesystem::exists(path("n.h5")));
}

TEST_F(KerasConvert, RefusesOtherFilesByName) {
  const auto refused = [&](std::string_view bytes) {
    folder_.write("x.h5", bytes);
    return refusal([&] { read_h5(path("x.h5")); });
  };
  EXPECT_THAT(refused("PK\x03\x04 and so on"),
              HasSubstr("x.h5: not an HDF5 file; a .keras archive"));
  EXPECT_THAT(refused(""), HasSubstr("x.h5: not an HDF5 file"));
  EXPECT_THAT(refused("\x89HDF\r\n\x1a\n" + std::string(200, '\0')), HasSubstr("x.h5"));
  write_h5(path("a.h5"), small_file());
  std::string whole;
  {
    std::ifstream in(path("a.h5"), std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_THAT(refused(whole.substr(0, whole.size() / 2)), HasSubstr("x.h5"));
  H5File wrong = small_file();
  wrong.layers[0].weights[0].shape = {3, 3, 2, 1};
  write_h5(path("a.h5"), wrong);
  EXPECT_THAT(refusal([&] { h5_to_safetensors(path("a.h5"), path("a.safetensors")); }),
              HasSubstr("layer 'conv2d' has the weight conv2d_2/kernel:0 of [3, 3, 2, 1], where "
                        "model_config asks for [3, 3, 1, 2]"));
  wrong = small_file();
  wrong.layers[4].weights.pop_back();
  write_h5(path("a.h5"), wrong);
  EXPECT_THAT(refusal([&] { h5_to_torchscript(path("a.h5"), path("a.pt")); }),
              HasSubstr("the weight dense.bias is missing"));
  EXPECT_FALSE(std::filesystem::exists(path("a.pt")));
}

TEST_F(KerasConvert, AMeanIsThatOfEveryNumber) {
  H5File other = small_file();
  for (H5Layer& layer : other.layers) {
    for (H5Weight& weight : layer.weights) {
      weight.name = "renamed/" + weight.name;  // as by another process
      for (float& number : weight.numbers) number *= 3;
    }
  }
  write_h5(path("a.h5"), small_file());
  write_h5(path("b.h5"), other);
  average_h5({path("a.h5"), path("b.h5")}, path("mean.h5"));
  H5File expected = small_file();
  for (H5Layer& layer : expected.layers) {
    for (H5Weight& weight : layer.weights) {
      for (float& number : weight.numbers) number *= 2;
    }
  }
  expect_equal(read_h5(path("mean.h5")), expected);
  average_h5({path("a.h5")}, path("mean.h5"));
  expect_equal(read_h5(path("mean.h5")), small_file());
  other.layers[4].weights.pop_back();
  write_h5(path("b.h5"), other);
  EXPECT_THAT(refusal([&] {
                average_h5({path("a.h5"), path("b.h5")}, path("no.h5"));
              }),
              HasSubstr("they differ at the weight dense/bias:0"));
  EXPECT_FALSE(std::filesystem::exists(path("no.h5")));
}

// Any single damaged byte gives a result or one line.
TEST_F(KerasConvert, SurvivesDamage) {
  write_h5(path("a.h5"), small_file());
  std::ifstream in(path("a.h5"), std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  for (size_t at = 8; at < whole.size(); at += whole.size() / 60) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    folder_.write("x.h5", damaged);
    refusal([&] { h5_to_safetensors(path("x.h5"), path("x.safetensors")); });
  }
}

}  // namespace
}  // namespace ringtrain::model_files::keras
