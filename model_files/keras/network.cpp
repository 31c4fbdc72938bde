// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "model_files/keras/layer_fields.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::json;

constexpr size_t kMostLayers = 10'000;
constexpr int64_t kMostElements = int64_t{1} << 31;

// Walks through the layers and keeps the shape of what flows between them.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(std::string source) : source_(std::move(source)) {}

  void add(const json& description) {
    const LayerFields fields(description, source_);
    if (!network_.last_activation.empty()) {
      fields.refuse(fmt::format("follows a {}, which must be the last", network_.last_activation));
    }
    if (!has_input_) set_input(fields);
    static const std::map<std::string, void (NetworkBuilder::*)(const LayerFields&), std::less<>>
        kLayers = {{"InputLayer", &NetworkBuilder::input},
                   {"Conv2D", &NetworkBuilder::conv2d},
                   {"Dense", &NetworkBuilder::dense},
                   {"MaxPooling2D", &NetworkBuilder::pooling},
                   {"AveragePooling2D", &NetworkBuilder::pooling},
                   {"Flatten", &NetworkBuilder::flatten},
                   {"Dropout", &NetworkBuilder::dropout},
                   {"BatchNormalization", &NetworkBuilder::batch_normalization},
                   {"Activation", &NetworkBuilder::activation},
                   {"ReLU", &NetworkBuilder::relu},
                   {"Softmax", &NetworkBuilder::softmax}};
    const auto found = kLayers.find(fields.class_name());
    if (found == kLayers.end()) {
      std::string names;
      for (const auto& [name, method] : kLayers) names += (names.empty() ? "" : ", ") + name;
      fields.refuse("cannot be converted; these can: " + names);
    }
    (this->*found->second)(fields);
  }

  Network finish() {
    if (std::none_of(network_.layers.begin(), network_.layers.end(),
                     [](const Layer& layer) { return !layer.name.empty() && layer.out > 0; })) {
      throw data_error(source_ + ": the model has no layer with weights");
    }
    if (is_spatial_) throw data_error(source_ + ": the model ends with feature maps, not classes");
    network_.outputs = features_;
    return std::move(network_);
  }

 private:
  // A first layer of Keras 2 names the shape of its input itself.
  void set_input(const LayerFields& fields) {
    const auto shape = fields.input_shape();
    if (shape.empty()) {
      fields.refuse("has no input shape: build the model, as by keras.Input, before it is saved");
    }
    has_input_ = true;
    if (shape.size() == 1) {
      features_ = shape[0];
      network_.sample = {shape[0], 1, 1};
      return;
    }
    is_spatial_ = true;
    size_ = {shape[0], shape[1]};
    channels_ = shape.size() == 3 ? shape[2] : 1;
    // Images without channels go into Flatten alone: Conv2D refuses them by name.
    has_channels_ = shape.size() == 3;
    network_.sample = {channels_, size_[0], size_[1]};
  }

  void input(const LayerFields&) {}

  Layer& push(Kind kind, const LayerFields& fields) {
    Layer layer;
    layer.kind = kind;
    layer.name = fields.identifier();
    if (!names_.insert(layer.name).second) fields.refuse("has the name of another layer");
    network_.layers.push_back(layer);
    return network_.layers.back();
  }

  void require_maps(const LayerFields& fields) const {
    if (!is_spatial_ || !has_channels_) {
      fields.refuse("gets no feature maps of [height, width, channels]");
    }
  }

  // Sets window, stride and padding, and the size of what comes out.
  void slide(Layer& layer, const LayerFields& fields) {
    const std::string padding = fields.text("padding", "valid");
    fields.require("data_format", "channels_last");
    for (const size_t i : {0, 1}) {
      const int64_t window = layer.window[i];
      const int64_t stride = layer.stride[i];
      int64_t total = 0;
      if (padding == "same") {
        const int64_t out = (size_[i] + stride - 1) / stride;
        total = std::max<int64_t>(0, (out - 1) * stride + window - size_[i]);
      } else if (padding != "valid") {
        fields.refuse(fmt::format("has the padding '{}'", printable(padding.substr(0, 40))));
      }
      if (total % 2 != 0) {
        fields.refuse(
            "pads one side more than the other, which PyTorch does not; an odd window and "
            "a stride of 1, or padding 'valid', can be converted");
      }
      layer.padding[i] = total / 2;
      const int64_t room = size_[i] + total - window;
      if (room < 0) fields.refuse("has a window that is larger than its input");
      size_[i] = room / stride + 1;
    }
  }

  void conv2d(const LayerFields& fields) {
    require_maps(fields);
    Layer& layer = push(Kind::conv2d, fields);
    layer.in = channels_;
    layer.out = channels_ = fields.positive("filters");
    layer.window = fields.extent("kernel_size", {1, 1});
    layer.stride = fields.extent("strides", {1, 1});
    layer.has_bias = fields.boolean("use_bias", true);
    fields.require("groups", 1);
    if (fields.extent("dilation_rate", {1, 1}) != Extent{1, 1}) {
      fields.refuse("has a dilation, which cannot be converted");
    }
    check_size(fields, layer.window[0] * layer.window[1], layer.in, layer.out);
    slide(layer, fields);
    activate(fields.activation(), fields);
  }

  void pooling(const LayerFields& fields) {
    require_maps(fields);
    const bool is_max = fields.class_name() == "MaxPooling2D";
    Layer& layer = push(is_max ? Kind::max_pooling2d : Kind::average_pooling2d, fields);
    layer.window = fields.extent("pool_size", {2, 2});
    layer.stride = fields.extent("strides", layer.window);
    slide(layer, fields);
    for (const size_t i : {0, 1}) {
      if (layer.padding[i] > layer.window[i] / 2) fields.refuse("pads more than half its window");
      if (!is_max && layer.padding[i] > 0) {
        fields.refuse("has the padding 'same', which counts no padded pixels in Keras");
      }
    }
  }

  void flatten(const LayerFields& fields) {
    fields.require("data_format", "channels_last");
    push(Kind::flatten, fields);
    if (!is_spatial_) return;
    is_spatial_ = false;
    features_ = size_[0] * size_[1] * channels_;
    flattened_ = {size_[0], size_[1], channels_};
  }

  void dense(const LayerFields& fields) {
    if (is_spatial_) fields.refuse("gets feature maps; a Flatten before it makes them features");
    Layer& layer = push(Kind::dense, fields);
    layer.in = features_;
    layer.out = features_ = fields.positive("units");
    layer.has_bias = fields.boolean("use_bias", true);
    layer.flattened = std::exchange(flattened_, {0, 0, 0});
    check_size(fields, 1, layer.in, layer.out);
    activate(fields.activation(), fields);
  }

  void dropout(const LayerFields& fields) {
    Layer& layer = push(Kind::dropout, fields);
    layer.rate = fields.number("rate", 0.5);
    if (layer.rate >= 1) fields.refuse("has a rate of 1 or more");
    fields.require("noise_shape", nullptr);
  }

  void batch_normalization(const LayerFields& fields) {
    if (is_spatial_ && !has_channels_) require_maps(fields);
    Layer& layer = push(Kind::batch_normalization, fields);
    layer.in = layer.out = is_spatial_ ? channels_ : features_;
    layer.epsilon = fields.number("epsilon", 1e-3);
    layer.momentum = fields.number("momentum", 0.99);
    layer.flattened = flattened_;
    fields.require("center", true);
    fields.require("scale", true);
    fields.require_last_axis(is_spatial_ ? 3 : 1);
  }

  void activation(const LayerFields& fields) { activate(fields.activation(), fields); }
  void softmax(const LayerFields& fields) { activate("softmax", fields); }

  void relu(const LayerFields& fields) {
    fields.require("max_value", nullptr);
    fields.require("negative_slope", 0.0);
    fields.require("threshold", 0.0);
    activate("relu", fields);
  }

  void activate(const std::string& name, const LayerFields& fields) {
    static const std::map<std::string, Kind, std::less<>> kKinds = {
        {"relu", Kind::relu}, {"sigmoid", Kind::sigmoid}, {"tanh", Kind::tanh}};
    if (name == "linear") return;
    if (name == "softmax" && is_spatial_) fields.refuse("has a softmax over feature maps");
    if (name == "softmax") {
      network_.last_activation = name;
      return;
    }
    const auto found = kKinds.find(name);
    if (found == kKinds.end()) {
      fields.refuse(
          fmt::format("has the activation '{}'; linear, relu, sigmoid, softmax and tanh "
                      "can be converted",
                      printable(name.substr(0, 40))));
    }
    network_.layers.emplace_back().kind = found->second;
  }

  static void check_size(const LayerFields& fields, int64_t pixels, int64_t in, int64_t out) {
    if (pixels > kMostElements / in || pixels * in > kMostElements / out) {
      fields.refuse("has more than 2^31 weights");
    }
  }

  std::string source_;
  Network network_;
  std::set<std::string, std::less<>> names_;
  bool has_input_ = false;
  bool is_spatial_ = false;
  bool has_channels_ = true;
  Extent size_ = {0, 0};  // with channels_, of feature maps
  int64_t channels_ = 0;
  int64_t features_ = 0;  // of what is flat
  std::array<int64_t, 3> flattened_ = {0, 0, 0};
};

const json& layers_of(const json& model, const std::string& source) {
  const auto refuse = [&](const std::string& why) -> const json& {
    throw data_error(fmt::format("{}: {}", source, why));
  };
  if (!model.is_object() || !model.contains("class_name") || !model["class_name"].is_string() ||
      !model.contains("config")) {
    return refuse("model_config describes no model");
  }
  const auto name = model["class_name"].get<std::string>();
  if (name != "Sequential") {
    return refuse(fmt::format("is a {} model; Sequential ones can be converted",
                              printable(name.substr(0, 40))));
  }
  const json& config = model["config"];
  const json& layers = config.is_object() && config.contains("layers") ? config["layers"] : config;
  if (!layers.is_array() || layers.empty() || layers.size() > kMostLayers) {
    return refuse("model_config has no layers");
  }
  return layers;
}

}  // namespace

Network parse_network(const std::string& model_config, const std::string& source) {
  constexpr int kMostNested = 64;  // messages print values by recursion
  bool is_too_deep = false;
  const auto within = [&](int depth, json::parse_event_t, json&) {
    is_too_deep |= depth > kMostNested;
    return !is_too_deep;
  };
  const json model = json::parse(model_config, within, false);
  if (is_too_deep || model.is_discarded()) {
    throw data_error(source + ": model_config is no JSON, or nested too deep");
  }
  NetworkBuilder builder(source);
  for (const json& layer : layers_of(model, source)) builder.add(layer);
  Network network = builder.finish();
  // A sigmoid at the end belongs to the loss, as a softmax does.
  if (network.layers.back().kind == Kind::sigmoid && network.last_activation.empty()) {
    network.layers.pop_back();
    network.last_activation = "sigmoid";
  }
  return network;
}

}  // namespace ringtrain::model_files::keras
