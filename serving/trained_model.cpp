// SPDX-License-Identifier: Apache-2.0
#include "serving/trained_model.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/models/torch_error.hpp"

namespace ringtrain::serving {
namespace {

constexpr const char* kDescription = "ringtrain.json";

// Reads what runtime/worker/output.cpp writes.
datasets::DatasetIndex parse_description(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  const auto shape = json.at("shape").get<std::vector<int64_t>>();
  datasets::DatasetIndex samples;
  samples.shape = {.channels = shape.at(0), .height = shape.at(1), .width = shape.at(2)};
  samples.element = json.at("element").get<std::string>() == "u8" ? datasets::ElementType::u8
                                                                  : datasets::ElementType::f32;
  samples.mean = json.at("mean").get<std::vector<float>>();
  samples.std = json.at("std").get<std::vector<float>>();
  samples.class_names = json.at("class_names").get<std::vector<std::string>>();
  samples.uuid = json.at("dataset").get<std::string>();
  const auto channels = static_cast<size_t>(samples.shape.channels);
  if (samples.shape.elements() <= 0 || samples.mean.size() != channels ||
      samples.std.size() != channels) {
    throw data_error("its shape, mean and std do not fit together");
  }
  return samples;
}

}  // namespace

struct TrainedModel::Module {
  torch::jit::Module script;
};

TrainedModel::TrainedModel(const std::filesystem::path& path)
    : file_(std::filesystem::is_directory(path) ? path / "model.pt" : path),
      device_(make_device(JobSpec::Device::automatic, 0)),
      module_(std::make_unique<Module>()) {
  if (!std::filesystem::is_regular_file(file_)) {
    throw data_error(
        fmt::format("{} is not there: name the output folder of a finished run, or its model.pt",
                    file_.string()));
  }
  torch::jit::ExtraFilesMap extra = {{kDescription, ""}};
  try {
    module_->script = torch::jit::load(file_.string(), device_->torch(), extra);
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{} is not a TorchScript file that can be opened: {}",
                                 file_.string(), torch_cause(error)));
  }
  if (extra[kDescription].empty()) {
    throw data_error(
        fmt::format("{} does not describe its samples: only a model.pt that ringtrain wrote does",
                    file_.string()));
  }
  try {
    samples_ = parse_description(extra[kDescription]);
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{}: its {} cannot be used: {}", file_.string(), kDescription,
                                 torch_cause(error)));
  }
  module_->script.eval();
}

TrainedModel::~TrainedModel() = default;

at::Tensor TrainedModel::logits(const datasets::Batch& batch) {
  const at::NoGradGuard no_grad;
  // The optimizing executor would compile anew for every number of rows.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  const at::Tensor inputs = device_->load(samples_, batch, kernels::Augment{});
  at::Tensor logits;
  try {
    logits = module_->script.forward({inputs}).toTensor().to(at::kCPU, at::kFloat);
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{}: {}", file_.string(), torch_cause(error)));
  }
  const auto classes = static_cast<int64_t>(samples_.class_names.size());
  if (logits.sizes() != at::IntArrayRef({static_cast<int64_t>(batch.rows), classes})) {
    throw data_error(fmt::format("{}: it does not return logits of {} classes for each row",
                                 file_.string(), classes));
  }
  return logits;
}

}  // namespace ringtrain::serving
