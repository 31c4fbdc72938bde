// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/convert.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "model_files/keras/h5_file.hpp"
#include "model_files/keras/network.hpp"
#include "model_files/keras/torchscript.hpp"
#include "model_files/keras/zoo.hpp"
#include "model_files/safetensors.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::json;

constexpr const char* kKeras = "keras";          // our key of a safetensors file's metadata
constexpr const char* kRingtrain = "ringtrain";  // that of a job's output

std::string print(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// Pairs the arrays of a file with those of its network. Throws a data error for other shapes.
template <typename Visit>
void for_each_array(H5File& file, const std::vector<Weight>& weights, const std::string& source,
                    const Visit& visit) {
  size_t next = 0;
  for (H5Layer& layer : file.layers) {
    for (H5Weight& stored : layer.weights) {
      if (next == weights.size()) {
        throw data_error(fmt::format("{}: layer '{}' has the weight {}, which is none of its kind",
                                     source, printable(layer.name), printable(stored.name)));
      }
      visit(weights[next++], layer, stored);
    }
  }
  if (next < weights.size()) {
    throw data_error(fmt::format("{}: the weight {} is missing", source, weights[next].name));
  }
}

struct Loaded {
  H5File file;
  Network network;
  std::vector<Weight> weights;
  std::vector<std::vector<float>> numbers;  // of each weight, in PyTorch's order
};

Loaded load(const std::filesystem::path& path) {
  Loaded loaded;
  loaded.file = read_h5(path);
  loaded.network = parse_network(loaded.file.model_config, path.string());
  loaded.weights = weights_of(loaded.network);
  for_each_array(loaded.file, loaded.weights, path.string(),
                 [&](const Weight& weight, const H5Layer& layer, H5Weight& stored) {
                   if (stored.shape != weight.keras_shape) {
                     throw data_error(fmt::format(
                         "{}: layer '{}' has the weight {} of {}, where model_config asks for {}",
                         path.string(), printable(layer.name), printable(stored.name),
                         print(stored.shape), print(weight.keras_shape)));
                   }
                   loaded.numbers.push_back(from_keras(weight, stored.numbers));
                   stored.numbers = {};  // memory
                 });
  return loaded;
}

// The parts of a file beside its numbers, as JSON.
std::string describe(const H5File& file, const std::vector<Weight>& weights) {
  json layers = json::array();
  for (const H5Layer& layer : file.layers) {
    json names = json::array();
    for (const H5Weight& weight : layer.weights) names.push_back(weight.name);
    layers.push_back({{"name", layer.name}, {"weights", names}});
  }
  json order = json::array();
  for (const Weight& weight : weights) order.push_back(weight.name);
  return json{{"format", 1},
              {"model_config", file.model_config},
              {"keras_version", file.keras_version},
              {"backend", file.backend},
              {"layers", layers},
              {"tensors", order}}
      .dump(-1, ' ', true, json::error_handler_t::replace);
}

// Describes the samples of a network as a job does in its model.pt (runtime/worker/output.cpp).
// Keras' file does not say how they are normalised: as its examples do, bytes x are x / 255.
std::string describe_samples(const Network& network) {
  const bool is_table = network.sample[1] == 1 && network.sample[2] == 1;
  const auto channels = static_cast<size_t>(network.sample[0]);
  const auto outputs = static_cast<size_t>(network.outputs);
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs; ++i) names.push_back(std::to_string(i));
  json described = {{"format", 1},
                    {"model", "keras"},
                    {"shape", network.sample},
                    {"element", is_table ? "f32" : "u8"},
                    {"mean", std::vector<float>(channels, 0)},
                    {"std", std::vector<float>(channels, 1)},
                    {"class_names", json::array()},
                    {"dataset", ""}};
  if (network.last_activation == "softmax") {
    described["class_names"] = names;
    described["loss"] = "cross_entropy";
  } else {
    described["targets"] = names;
    described["target_mean"] = std::vector<float>(outputs, 0);
    described["target_std"] = std::vector<float>(outputs, 1);
    described["loss"] = network.last_activation == "sigmoid" ? "bce_with_logits" : "mse";
  }
  return described.dump();
}

H5File from_description(const std::string& text, const std::string& source) {
  try {
    const json described = json::parse(text);
    H5File file;
    file.model_config = described.at("model_config").get<std::string>();
    file.keras_version = described.at("keras_version").get<std::string>();
    file.backend = described.at("backend").get<std::string>();
    for (const json& layer : described.at("layers")) {
      H5Layer own{layer.at("name").get<std::string>(), {}};
      for (const json& name : layer.at("weights")) {
        own.weights.push_back({name.get<std::string>(), {}, {}});
      }
      file.layers.push_back(std::move(own));
    }
    return file;
  } catch (const json::exception&) {
    throw data_error(source + ": its metadata does not describe a model of Keras");
  }
}

H5File architecture(const SafetensorsReader& reader, const std::string& source,
                    const std::optional<std::filesystem::path>& like) {
  if (like) {
    H5File file = read_h5(*like);
    for (H5Layer& layer : file.layers) {
      for (H5Weight& weight : layer.weights) weight.numbers = {};
    }
    return file;
  }
  const Metadata& metadata = reader.metadata();
  if (const auto found = metadata.find(kKeras); found != metadata.end()) {
    return from_description(found->second, source);
  }
  if (const auto found = metadata.find(kRingtrain); found != metadata.end()) {
    return zoo_file(found->second, source);
  }
  throw data_error(source +
                   ": does not say of which model its weights are; --like names an .h5 "
                   "file of the same model");
}

// "fc2" before "fc10".
bool naturally_before(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& name) {
    const size_t end = name.find_last_not_of("0123456789") + 1;
    return std::tuple(name.substr(0, end), name.size() - end, name);
  };
  return key(a) < key(b);
}

std::string layer_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

// The float tensors of a file by name, and which of them each weight of a network is.
class Tensors {
 public:
  Tensors(const SafetensorsReader& reader, const std::vector<Weight>& weights, std::string source)
      : reader_(reader), source_(std::move(source)) {
    for (const StoredTensor& stored : reader.tensors()) {
      if (stored.info.dtype == Dtype::f32) by_name_.emplace(stored.info.name, &stored);
    }
    const bool named = std::any_of(weights.begin(), weights.end(), [&](const Weight& weight) {
      return by_name_.contains(weight.name);
    });
    if (!named) find_by_order(weights);
  }

  std::vector<float> read(const Weight& weight) const {
    const auto renamed = names_.find(layer_of(weight.name));
    std::string name = weight.name;
    if (renamed != names_.end()) {
      name = renamed->second + name.substr(name.rfind('.'));
    }
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      throw data_error(fmt::format("{}: has no tensor {} of F32", source_, printable(name)));
    }
    const StoredTensor& stored = *found->second;
    if (stored.info.shape != weight.shape) {
      throw data_error(fmt::format("{}: tensor {} is {}, where the model of Keras has {}", source_,
                                   printable(name), print(stored.info.shape), print(weight.shape)));
    }
    std::vector<float> numbers(stored.bytes / sizeof(float));
    reader_.read(stored, std::as_writable_bytes(std::span(numbers)));
    return numbers;
  }

 private:
  // The layers of both in their order.
  void find_by_order(const std::vector<Weight>& weights) {
    std::vector<std::string> own;
    for (const auto& [name, stored] : by_name_) {
      if (std::find(own.begin(), own.end(), layer_of(name)) == own.end()) {
        own.push_back(layer_of(name));
      }
    }
    std::sort(own.begin(), own.end(), naturally_before);
    std::vector<std::string> wanted;
    for (const Weight& weight : weights) {
      if (wanted.empty() || wanted.back() != layer_of(weight.name)) {
        wanted.push_back(layer_of(weight.name));
      }
    }
    if (own.size() != wanted.size()) {
      throw data_error(fmt::format("{}: has weights of {} layers, the model of Keras of {}",
                                   source_, own.size(), wanted.size()));
    }
    for (size_t i = 0; i < own.size(); ++i) names_.emplace(wanted[i], own[i]);
  }

  const SafetensorsReader& reader_;
  std::string source_;
  std::map<std::string, const StoredTensor*, std::less<>> by_name_;
  std::map<std::string, std::string, std::less<>> names_;  // of layers: ours by Keras'
};

}  // namespace

void h5_to_torchscript(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Loaded loaded = load(from);
  write_torchscript(to, loaded.network, loaded.numbers, describe_samples(loaded.network));
}

void h5_to_safetensors(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Loaded loaded = load(from);
  std::vector<TensorInfo> tensors;
  for (const Weight& weight : loaded.weights) {
    tensors.push_back({weight.name, Dtype::f32, weight.shape});
  }
  SafetensorsWriter writer(to, tensors,
                           {{"format", "pt"}, {kKeras, describe(loaded.file, loaded.weights)}});
  for (const size_t i : writer.order()) {
    writer.write(i, std::as_bytes(std::span(loaded.numbers[i])));
  }
  writer.commit();
}

void safetensors_to_h5(const std::filesystem::path& from, const std::filesystem::path& to,
                       const std::optional<std::filesystem::path>& like) {
  const std::string source = from.string();
  const SafetensorsReader reader(from);
  H5File file = architecture(reader, source, like);
  const Network network = parse_network(file.model_config, like ? like->string() : source);
  const std::vector<Weight> weights = weights_of(network);
  const Tensors tensors(reader, weights, source);
  for_each_array(file, weights, like ? like->string() : source,
                 [&](const Weight& weight, const H5Layer&, H5Weight& stored) {
                   stored.shape = weight.keras_shape;
                   stored.numbers = to_keras(weight, tensors.read(weight));
                 });
  write_h5(to, file);
}

}  // namespace ringtrain::model_files::keras
