// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "job/choice_names.hpp"
#include "job/outcome_file.hpp"
#include "job/task.hpp"
#include "runtime/models/model_files.hpp"
#include "runtime/train/model_options.hpp"

namespace ringtrain {
namespace {

// Returns a JSON description of the model for a server: how to turn a sample into an input, and the
// meaning of an output. It is the key "ringtrain" of the safetensors metadata and the extra file
// "ringtrain.json" of model.pt.
std::string description(const datasets::DatasetIndex& dataset, const JobSpec& job) {
  const auto& shape = dataset.shape;
  return nlohmann::ordered_json{
      {"format", 1},
      {"name", job.name},
      {"model", job.model},
      {"hidden", job.hidden},
      {"network", describe_model(model_options(job, dataset))},
      {"shape", {shape.channels, shape.height, shape.width}},
      {"element", std::string(datasets::name_of(dataset.element))},
      {"mean", dataset.mean},
      {"std", dataset.std},
      {"class_names", dataset.class_names},
      {"loss", name_of(loss_of(job.loss, dataset.has_targets()))},
      {"targets", dataset.targets.names},
      {"target_mean", dataset.targets.mean},
      {"target_std", dataset.targets.std},
      {"dataset", dataset.uuid},
  }
      .dump();
}

}  // namespace

Output::Output(const std::filesystem::path& folder, const std::string& url)
    : folder_(folder), url_(url) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (!error && access(folder_.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    throw job_error(
        fmt::format("output: cannot write to {}: {}", folder_.string(), error.message()));
  }
  if (!url_.empty()) mirror_.emplace(url_, folder_);
}

std::string Output::weights_name() const {
  return url_.empty() ? weights_file().string() : url_ + "/model.safetensors";
}

void Output::finish() {
  if (mirror_) mirror_->finish();
}

void Output::save_model(const Model& model, const datasets::DatasetIndex& dataset,
                        const JobSpec& job) const {
  std::vector<NamedTensor> tensors = model.parameters();
  for (auto& buffer : model.buffers()) tensors.push_back(std::move(buffer));
  const std::string about = description(dataset, job);
  write_safetensors(weights_file(), tensors, {{"format", "pt"}, {"ringtrain", about}});
  write_state_dict(folder_ / "model.pth", tensors);
  write_torchscript(folder_ / "model.pt", model, {{"ringtrain.json", about}});
}

void Output::save_result(const Result& result) const {
  write_result(folder_ / "result.json", result);
  forget_finish_request(folder_);
}

bool Output::forget_result() const {
  std::error_code error;
  const bool removed = std::filesystem::remove(folder_ / "result.json", error);
  if (error) {
    throw job_error(fmt::format("output: cannot remove {}: {}", (folder_ / "result.json").string(),
                                error.message()));
  }
  return removed;
}

std::optional<Result> Output::result_of(int64_t steps) const {
  auto result = read_result(folder_ / "result.json");
  std::error_code error;
  const bool whole = std::filesystem::is_regular_file(weights_file(), error) &&
                     std::filesystem::is_regular_file(folder_ / "model.pt", error);
  if (!whole || !result || result->status != "finished" || result->steps != steps) {
    return std::nullopt;
  }
  return result;
}

std::string take_output_url(JobSpec& job) {
  if (!is_url(job.output)) return "";
  const std::string url = job.output.string();
  if (url.starts_with("s3:///")) {
    throw job_error(fmt::format(
        "output: {} names no bucket: name it, or set the variable trainingbucket", url));
  }
  job.output = storage::local_output(url);
  return url;
}

void finish(std::optional<Output>& output) {
  if (output) output->finish();
}

}  // namespace ringtrain
