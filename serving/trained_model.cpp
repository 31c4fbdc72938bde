// SPDX-License-Identifier: Apache-2.0
#include "serving/trained_model.hpp"

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "job/models.hpp"
#include "job/task.hpp"
#include "model_files/safetensors.hpp"
#include "model_files/torchscript_kind.hpp"
#include "runtime/device/load.hpp"
#include "runtime/models/model.hpp"
#include "runtime/models/model_files.hpp"
#include "runtime/models/torch_error.hpp"

namespace ringtrain::serving {
namespace {

constexpr const char* kDescription = "ringtrain.json";

datasets::ElementType element_named(const std::string& name) {
  for (const auto element :
       {datasets::ElementType::u8, datasets::ElementType::f32, datasets::ElementType::i64}) {
    if (name == datasets::name_of(element)) return element;
  }
  throw data_error("unknown element " + name);
}

// Reads the loss of runs that had a choice; those before them trained by cross entropy.
JobSpec::Loss parse_loss(const nlohmann::json& json, const datasets::DatasetIndex& samples) {
  const auto loss = loss_named(json.value("loss", "cross_entropy"));
  if (samples.has_targets() == (loss == JobSpec::Loss::cross_entropy)) {
    throw data_error("its loss and targets do not fit together");
  }
  return loss;
}

// Reads what runtime/worker/output.cpp writes.
datasets::DatasetIndex parse_samples(const nlohmann::json& json) {
  const auto shape = json.at("shape").get<std::vector<int64_t>>();
  datasets::DatasetIndex samples;
  samples.shape = {.channels = shape.at(0), .height = shape.at(1), .width = shape.at(2)};
  samples.element = element_named(json.at("element").get<std::string>());
  samples.mean = json.at("mean").get<std::vector<float>>();
  samples.std = json.at("std").get<std::vector<float>>();
  samples.class_names = json.at("class_names").get<std::vector<std::string>>();
  samples.uuid = json.at("dataset").get<std::string>();
  if (json.contains("targets")) {
    samples.targets.names = json["targets"].get<std::vector<std::string>>();
    samples.targets.mean = json.at("target_mean").get<std::vector<float>>();
    samples.targets.std = json.at("target_std").get<std::vector<float>>();
  }
  const size_t targets = samples.targets.names.size();
  if (samples.targets.mean.size() != targets || samples.targets.std.size() != targets) {
    throw data_error("its targets, target_mean and target_std do not fit together");
  }
  const auto channels = static_cast<size_t>(samples.shape.channels);
  if (samples.shape.elements() <= 0 || samples.mean.size() != channels ||
      samples.std.size() != channels) {
    throw data_error("its shape, mean and std do not fit together");
  }
  return samples;
}

// Refuses descriptions that ask for far more memory than the file's weights take.
void check_size(const ModelOptions& options, const Safetensors& weights) {
  double stored = 0;
  for (const NamedTensor& named : weights.tensors) {
    stored += static_cast<double>(named.tensor.numel());
  }
  std::vector<int64_t> widths = options.hidden;
  if (widths.empty()) widths = {1024, 1024};
  if (options.name != "mlp") widths.clear();
  widths.insert(widths.begin(), options.name == "mlp"
                                    ? options.channels * options.height * options.width
                                    : options.channels);
  widths.push_back(options.classes);
  double asked = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    asked += static_cast<double>(widths[i]) * static_cast<double>(widths[i + 1]);
    if (widths[i] <= 0 || widths[i + 1] <= 0 || asked > 2 * stored + 4096) {
      throw data_error("the network would be larger");
    }
  }
}

// Returns what a file of weights says of its model and samples; of a checkpoint's weights, in
// OUTPUT/checkpoints/STEP, what OUTPUT/model.safetensors says. Empty: nothing does.
std::string description_of(const std::filesystem::path& file, const Safetensors& weights) {
  const auto own = weights.metadata.find("ringtrain");
  if (own != weights.metadata.end()) return own->second;
  const auto model = std::filesystem::absolute(file).parent_path().parent_path().parent_path() /
                     "model.safetensors";
  if (file.filename() != "weights.safetensors" || !std::filesystem::exists(model)) return "";
  const model_files::Metadata metadata = model_files::SafetensorsReader(model).metadata();
  const auto about = metadata.find("ringtrain");
  return about == metadata.end() ? "" : about->second;
}

// Makes the network of a description, with these weights.
torch::jit::Module network_of(const nlohmann::json& json, const Safetensors& weights) {
  const datasets::DatasetIndex samples = parse_samples(json);
  // Member by member: g++ 12 destroys those of an aggregate twice where a later one throws.
  ModelOptions options;
  options.name = json.at("model").get<std::string>();
  options.hidden = json.value("hidden", std::vector<int64_t>());
  options.channels = samples.shape.channels;
  options.height = samples.shape.height;
  options.width = samples.shape.width;
  options.has_targets = samples.has_targets();
  options.classes = static_cast<int64_t>(samples.has_targets() ? samples.targets.names.size()
                                                               : samples.class_names.size());
  if (!is_zoo_model(options.name)) {
    throw data_error(
        fmt::format("{} is no network of ringtrain's own: serve its model.pt", options.name));
  }
  if (options.name.starts_with("resnet")) {
    options.small_stem = json.at("network").get<std::string>().find("small") != std::string::npos;
  }
  check_size(options, weights);
  const auto model = make_model(options);
  std::map<std::string, at::Tensor> stored;
  for (const NamedTensor& named : weights.tensors) stored[named.name] = named.tensor;
  std::vector<NamedTensor> own = model->parameters();
  for (NamedTensor& buffer : model->buffers()) own.push_back(std::move(buffer));
  const at::NoGradGuard no_grad;
  for (const NamedTensor& named : own) {
    const auto found = stored.find(named.name);
    if (found == stored.end() || found->second.sizes() != named.tensor.sizes()) {
      throw data_error(fmt::format("{} is missing or has another shape", named.name));
    }
    at::Tensor(named.tensor).copy_(found->second);
  }
  return model->script();
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
  const std::string description =
      file_.extension() == ".safetensors" ? load_weights() : load_script();
  if (description.empty()) {
    throw data_error(fmt::format(
        "{} does not describe its samples: only a model.pt or model.safetensors that ringtrain "
        "wrote does",
        file_.string()));
  }
  try {
    const auto json = nlohmann::json::parse(description);
    samples_ = parse_samples(json);
    objective_.emplace(parse_loss(json, samples_), samples_, device_->torch());
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{}: its {} cannot be used: {}", file_.string(), kDescription,
                                 torch_cause(error)));
  }
  module_->script.eval();
}

TrainedModel::~TrainedModel() = default;

std::string TrainedModel::load_script() {
  torch::jit::ExtraFilesMap extra = {{kDescription, ""}};
  try {
    module_->script = torch::jit::load(file_.string(), device_->torch(), extra);
  } catch (const std::exception& error) {
    const std::string other = model_files::why_not_torchscript(file_);
    if (!other.empty()) {
      throw data_error(fmt::format("{} {}: name the run's output folder, or the model.pt in it",
                                   file_.string(), other));
    }
    throw data_error(fmt::format("{} is not a TorchScript file that can be opened: {}",
                                 file_.string(), torch_cause(error)));
  }
  return extra[kDescription];
}

std::string TrainedModel::load_weights() {
  const Safetensors weights = read_safetensors(file_);
  const std::string about = description_of(file_, weights);
  if (about.empty()) return "";
  try {
    module_->script = network_of(nlohmann::json::parse(about), weights);
    module_->script.to(device_->torch());
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{}: its weights do not fit the network that it describes: {}",
                                 file_.string(), torch_cause(error)));
  }
  return about;
}

at::Tensor TrainedModel::answers(const datasets::Batch& batch) {
  return objective_->answers(load_answers(*device_, samples_, batch)).to(at::kCPU);
}

at::Tensor TrainedModel::outputs(const datasets::Batch& batch) {
  const at::NoGradGuard no_grad;
  // The optimizing executor would compile anew for every number of rows.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  const at::Tensor inputs = load_inputs(*device_, samples_, batch, kernels::Augment{});
  at::Tensor outputs;
  try {
    outputs = module_->script.forward({inputs}).toTensor().to(at::kCPU, at::kFloat);
  } catch (const std::exception& error) {
    throw data_error(fmt::format("{}: {}", file_.string(), torch_cause(error)));
  }
  const auto width = static_cast<int64_t>(samples_.has_targets() ? samples_.targets.names.size()
                                                                 : samples_.class_names.size());
  if (outputs.sizes() != at::IntArrayRef({static_cast<int64_t>(batch.rows), width})) {
    throw data_error(
        fmt::format("{}: it does not return {} numbers for each row", file_.string(), width));
  }
  return outputs;
}

}  // namespace ringtrain::serving
