// SPDX-License-Identifier: Apache-2.0
// Architectures for tests, as Keras writes them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ringtrain::model_files::keras::testing {

using nlohmann::json;

inline json layer(const std::string& class_name, const std::string& name, json config = {}) {
  config["name"] = name;
  return {{"class_name", class_name}, {"config", std::move(config)}};
}

inline json input(std::vector<int64_t> shape) {
  json batch = {nullptr};
  for (const int64_t size : shape) batch.push_back(size);
  return layer("InputLayer", "in", {{"batch_shape", batch}});
}

inline json conv(const std::string& name, int64_t filters, json more = json::object()) {
  json config = {{"filters", filters}, {"kernel_size", {3, 3}}, {"activation", "relu"}};
  config.update(more);
  return layer("Conv2D", name, config);
}

inline json dense(const std::string& name, int64_t units, const std::string& activation) {
  return layer("Dense", name, {{"units", units}, {"activation", activation}});
}

inline std::string sequential(const std::vector<json>& layers) {
  return json{{"class_name", "Sequential"}, {"config", {{"name", "net"}, {"layers", layers}}}}
      .dump();
}

// 6 x 5 x 1 to 4 x 3 x 2, pooled to 2 x 1 x 2, then 4 features, 3 classes.
inline std::string small_net() {
  return sequential({input({6, 5, 1}), conv("conv2d", 2), layer("MaxPooling2D", "pool"),
                     layer("Dropout", "drop", {{"rate", 0.25}}), layer("Flatten", "flatten"),
                     dense("dense", 3, "softmax")});
}

}  // namespace ringtrain::model_files::keras::testing
