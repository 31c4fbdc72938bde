// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/zoo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::ordered_json;

// The layers of a Sequential model as Keras 2 describes them, which Keras 3 reads as well.
class Layers {
 public:
  void add(const std::string& class_name, const std::string& name, const ordered_json& config) {
    ordered_json all = {{"name", name}, {"trainable", true}};
    all.update(config);
    layers_.push_back({{"class_name", class_name}, {"config", std::move(all)}});
    H5Layer layer{name, {}};
    if (class_name == "Conv2D" || class_name == "Dense") {
      for (const char* weight : {"kernel:0", "bias:0"}) {
        layer.weights.push_back({fmt::format("{}/{}", name, weight), {}, {}});
      }
    }
    if (class_name != "InputLayer") file_.layers.push_back(std::move(layer));
  }

  void input(const std::vector<int64_t>& shape) {
    ordered_json batch = {nullptr};
    for (const int64_t size : shape) batch.push_back(size);
    add("InputLayer", "input", {{"batch_input_shape", batch}, {"dtype", "float32"}});
  }
  void conv(const char* name, int64_t filters, int64_t kernel, const char* padding,
            const char* activation) {
    add("Conv2D", name,
        {{"filters", filters},
         {"kernel_size", {kernel, kernel}},
         {"strides", {1, 1}},
         {"padding", padding},
         {"data_format", "channels_last"},
         {"activation", activation},
         {"use_bias", true}});
  }
  void pool(const char* name) {
    add("MaxPooling2D", name,
        {{"pool_size", {2, 2}},
         {"strides", {2, 2}},
         {"padding", "valid"},
         {"data_format", "channels_last"}});
  }
  void flatten() { add("Flatten", "flatten", {{"data_format", "channels_last"}}); }
  void dense(const std::string& name, int64_t units, const char* activation) {
    add("Dense", name, {{"units", units}, {"activation", activation}, {"use_bias", true}});
  }

  H5File finish(const std::string& name) {
    const ordered_json model = {{"class_name", "Sequential"},
                                {"config", {{"name", name}, {"layers", layers_}}}};
    file_.model_config = model.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
    file_.keras_version = "2.15.0";
    file_.backend = "tensorflow";
    return std::move(file_);
  }

 private:
  ordered_json layers_ = ordered_json::array();
  H5File file_;
};

struct Description {
  std::string model;
  std::vector<int64_t> hidden;
  std::vector<int64_t> shape;  // channels, height, width
  int64_t outputs = 0;
  bool has_targets = false;
};

Description parse(const std::string& text, const std::string& source) {
  const auto refused = [&] {
    return data_error(source + ": its metadata does not describe a model");
  };
  try {
    const auto json = nlohmann::json::parse(text);
    Description description;
    description.model = json.at("model").get<std::string>();
    description.hidden = json.at("hidden").get<std::vector<int64_t>>();
    description.shape = json.at("shape").get<std::vector<int64_t>>();
    const size_t classes = json.at("class_names").size();
    const size_t targets = json.value("targets", nlohmann::json::array()).size();
    description.has_targets = classes == 0;
    description.outputs = static_cast<int64_t>(std::max(classes, targets));
    if (description.shape.size() != 3) throw refused();
    return description;
  } catch (const nlohmann::json::exception&) {
    throw refused();
  }
}

void add_mlp(Layers& layers, const Description& description, const char* last) {
  layers.flatten();
  auto widths = description.hidden;
  if (widths.empty()) widths = {1024, 1024};
  for (size_t i = 0; i < widths.size(); ++i) {
    layers.dense(fmt::format("fc{}", i), widths[i], "relu");
  }
  layers.dense(fmt::format("fc{}", widths.size()), description.outputs, last);
}

// runtime/models/lenet.cpp
void add_lenet(Layers& layers, const Description& description, const char* last) {
  layers.conv("conv1", 32, 3, "valid", "relu");
  layers.conv("conv2", 64, 3, "valid", "relu");
  layers.pool("pool");
  layers.flatten();
  layers.dense("fc1", 128, "relu");
  layers.dense("fc2", description.outputs, last);
}

void add_lenet5(Layers& layers, const Description& description, const char* last) {
  const bool is_padded = std::min(description.shape[1], description.shape[2]) < 32;
  layers.conv("conv1", 6, 5, is_padded ? "same" : "valid", "relu");
  layers.pool("pool1");
  layers.conv("conv2", 16, 5, "valid", "relu");
  layers.pool("pool2");
  layers.flatten();
  layers.dense("fc1", 120, "relu");
  layers.dense("fc2", 84, "relu");
  layers.dense("fc3", description.outputs, last);
}

}  // namespace

H5File zoo_file(const std::string& description, const std::string& source) {
  const Description parsed = parse(description, source);
  const auto& shape = parsed.shape;
  const char* const last = parsed.has_targets ? "linear" : "softmax";
  Layers layers;
  if (shape[1] == 1 && shape[2] == 1) {
    layers.input({shape[0]});
  } else {
    layers.input({shape[1], shape[2], shape[0]});
  }
  if (parsed.model == "mlp") {
    add_mlp(layers, parsed, last);
  } else if (parsed.model == "lenet") {
    add_lenet(layers, parsed, last);
  } else if (parsed.model == "lenet5") {
    add_lenet5(layers, parsed, last);
  } else {
    throw data_error(fmt::format(
        "{}: the model {} is no Sequential model of Keras; mlp, lenet and lenet5 are, and with "
        "--like what an .h5 file describes",
        source, printable(parsed.model.substr(0, 80))));
  }
  return layers.finish(parsed.model);
}

}  // namespace ringtrain::model_files::keras
