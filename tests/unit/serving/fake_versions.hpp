// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "serving/deploy/deployments.hpp"
#include "tests/unit/serving/served_models.hpp"

namespace ringtrain::serving {

// Loads versions that need no file: every row's outputs are {0, 1, 2}. The path says what is
// special about it: "bad" cannot be loaded, "other" has other classes, "accuracy 0.9" is evaluated,
// "failing" fails on all rows, "busy" has room for one row to wait.
inline std::shared_ptr<Version> load_fake(const std::string& name, const std::string& number,
                                          const std::string& path) {
  if (path.find("bad") != std::string::npos) throw data_error(path + " is no model");
  auto version = std::make_shared<Version>();
  version->model = small_model();
  version->model.name = name;
  version->model.version = number;
  version->path = path;
  if (path.find("other") != std::string::npos) version->model.samples.class_names.pop_back();
  const size_t at = path.find("accuracy ");
  if (at != std::string::npos) {
    version->evaluation = {
        .dataset = "d", .split = "test", .accuracy = std::stod(path.substr(at + 9))};
  }
  const bool fails = path.find("failing") != std::string::npos;
  BatchLimits limits;
  if (path.find("busy") != std::string::npos) limits.max_waiting = 1;
  version->batcher = std::make_unique<Batcher>(limits, 4, [fails](auto samples) {
    if (fails) throw data_error("it is broken");
    std::vector<float> outputs;
    for (size_t i = 0; i < samples.size(); ++i) outputs.insert(outputs.end(), {0, 1, 2});
    return outputs;
  });
  return version;
}

}  // namespace ringtrain::serving
