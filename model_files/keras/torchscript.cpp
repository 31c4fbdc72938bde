// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/torchscript.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "datasets/writing/stored_zip.hpp"
#include "model_files/keras/pickle.hpp"

namespace ringtrain::model_files::keras {
namespace {

constexpr std::string_view kModule = "__torch__";

// A number that Python reads as a float: "0.25", "1e-05".
std::string decimal(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string pair(const Extent& extent) { return fmt::format("[{}, {}]", extent[0], extent[1]); }

// One statement of forward, in the subset of Python that TorchScript stores.
std::string statement(const Layer& layer) {
  const std::string own = "self." + layer.name;
  const std::string bias = layer.has_bias ? own + ".bias" : "None";
  switch (layer.kind) {
    case Kind::conv2d:
      return fmt::format("torch.conv2d(x, {}.weight, {}, {}, {}, [1, 1], 1)", own, bias,
                         pair(layer.stride), pair(layer.padding));
    case Kind::dense:
      return fmt::format("torch.linear(x, {}.weight, {})", own, bias);
    case Kind::max_pooling2d:
      return fmt::format("torch.max_pool2d(x, {}, {}, {}, [1, 1], False)", pair(layer.window),
                         pair(layer.stride), pair(layer.padding));
    case Kind::average_pooling2d:
      return fmt::format("torch.avg_pool2d(x, {}, {}, {}, False, True, None)", pair(layer.window),
                         pair(layer.stride), pair(layer.padding));
    case Kind::flatten:
      return "torch.flatten(x, 1, -1)";
    case Kind::dropout:
      return fmt::format("torch.dropout(x, {}, self.training)", decimal(layer.rate));
    case Kind::batch_normalization:
      return fmt::format(
          "torch.batch_norm(x, {0}.weight, {0}.bias, {0}.running_mean, {0}.running_var, "
          "self.training, {1}, {2}, True)",
          own, decimal(1 - layer.momentum), decimal(layer.epsilon));
    case Kind::relu:
      return "torch.relu(x)";
    case Kind::sigmoid:
      return "torch.sigmoid(x)";
    case Kind::tanh:
      return "torch.tanh(x)";
  }
  RINGTRAIN_CHECK(false);
  return "";
}

// Returns the weights of a layer: those whose names begin with its own.
std::vector<size_t> weights_of_layer(const std::vector<Weight>& weights, const Layer& layer) {
  std::vector<size_t> found;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!layer.name.empty() && weights[i].name.starts_with(layer.name + ".")) found.push_back(i);
  }
  return found;
}

std::string attribute(const Weight& weight) {
  return weight.name.substr(weight.name.rfind('.') + 1);
}

std::string class_of(size_t layer) { return fmt::format("Layer{}", layer); }

// A class that holds arrays. buffers: the running statistics; else the parameters.
std::string list_of(const std::vector<Weight>& weights, const std::vector<size_t>& own,
                    bool buffers) {
  std::string names;
  for (const size_t i : own) {
    if (weights[i].is_buffer == buffers) names += fmt::format("\"{}\", ", attribute(weights[i]));
  }
  return names;
}

std::string code_of(const Network& network, const std::vector<Weight>& weights) {
  const std::string common = "  training : bool\n";
  std::string layers;
  std::string members;
  std::string forward;
  const bool is_table = network.sample[1] == 1 && network.sample[2] == 1;
  if (is_table) forward += "    x0 = torch.flatten(x, 1, -1)\n";
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const auto own = weights_of_layer(weights, layer);
    if (!own.empty()) {
      members += fmt::format("  {} : {}.{}\n", layer.name, kModule, class_of(i));
      layers += fmt::format("class {}(Module):\n  __parameters__ = [{}]\n  __buffers__ = [{}]\n{}",
                            class_of(i), list_of(weights, own, false), list_of(weights, own, true),
                            common);
      for (const size_t k : own) layers += fmt::format("  {} : Tensor\n", attribute(weights[k]));
    }
  }
  std::string value = is_table ? "x0" : "x";
  size_t count = 1;
  for (const Layer& layer : network.layers) {
    std::string right = statement(layer);
    right.replace(right.find("(x") + 1, 1, value);
    value = fmt::format("x{}", count++);
    forward += fmt::format("    {} = {}\n", value, right);
  }
  return fmt::format(
      "class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n{}{}"
      "  def forward(self: {}.Net,\n    x: Tensor) -> Tensor:\n{}    return {}\n{}",
      common, members, kModule, forward, value, layers);
}

std::string data_of(const Network& network, const std::vector<Weight>& weights) {
  Pickle pickle;
  pickle.begin_object(kModule, "Net");
  pickle.text("training");
  pickle.boolean(true);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const auto own = weights_of_layer(weights, network.layers[i]);
    if (own.empty()) continue;
    pickle.text(network.layers[i].name);
    pickle.begin_object(kModule, class_of(i));
    pickle.text("training");
    pickle.boolean(true);
    for (const size_t k : own) {
      pickle.text(attribute(weights[k]));
      pickle.tensor(std::to_string(k), weights[k].shape, !weights[k].is_buffer);
    }
    pickle.end_object();
  }
  pickle.end_object();
  return pickle.finish();
}

}  // namespace

void write_torchscript(const std::filesystem::path& path, const Network& network,
                       const std::vector<std::vector<float>>& numbers,
                       const std::string& description) {
  const std::vector<Weight> weights = weights_of(network);
  RINGTRAIN_CHECK(numbers.size() == weights.size());
  Pickle no_constants;
  no_constants.empty_tuple();
  datasets::StoredZip zip(path);
  zip.add("net/data.pkl", data_of(network, weights));
  zip.add("net/code/__torch__.py", code_of(network, weights));
  zip.add("net/constants.pkl", no_constants.finish());
  zip.add("net/version", "3\n");
  zip.add("net/extra/ringtrain.json", description);
  for (size_t i = 0; i < weights.size(); ++i) {
    zip.add(fmt::format("net/data/{}", i),
            {reinterpret_cast<const char*>(numbers[i].data()), numbers[i].size() * sizeof(float)});
  }
  zip.commit();
}

}  // namespace ringtrain::model_files::keras
