// SPDX-License-Identifier: Apache-2.0
#include "server/models/model_task.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/fields.hpp"
#include "model_files/safetensors.hpp"
#include "server/now_text.hpp"
#include "server/operations/file_work.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const ModelRequest*) {
  using T = ModelRequest;
  return std::tuple(field("model", &T::model), field("version", &T::version),
                    field("output", &T::output), field("job", &T::job),
                    field("attempt", &T::attempt), field("dataset", &T::dataset),
                    field("dataset_name", &T::dataset_name), field("split", &T::split),
                    field("about", &T::about));
}

namespace {

// Limits of an evaluation.
constexpr uint64_t kMemoryBytes = uint64_t{16} << 30;
constexpr uint64_t kFileBytes = uint64_t{64} << 20;
constexpr uint64_t kCpuSeconds = 4 * 3600;

// Returns what training wrote into the weights: the network, its data's uuid, its classes.
ordered_json about_of(const fs::path& weights) {
  const model_files::SafetensorsReader reader(weights);
  const auto found = reader.metadata().find("ringtrain");
  if (found == reader.metadata().end()) return ordered_json::object();
  auto about = ordered_json::parse(found->second, nullptr, false);
  return about.is_object() ? about : ordered_json::object();
}

}  // namespace

ordered_json to_request(const ModelRequest& request) { return ordered_json(request); }

ModelTask::ModelTask(const OperationRecord& record, fs::path work, const ModelParts& parts)
    : record_(record),
      work_(std::move(work)),
      parts_(parts),
      request_(ordered_json::parse(record.request).get<ModelRequest>()) {
  fs::create_directory(work_ / "logs");
  if (request_.version == 0 && !request_.job.empty()) {
    // An earlier server may have ended between the version and its evaluation.
    request_.version = parts_.models.version_of(request_.model, request_.job, request_.attempt);
  }
  if (request_.version > 0) phase_ = Phase::evaluate;
}

Task::Look ModelTask::look() {
  if (background_) {
    if (!background_->poll()) return {false, step_, background_->progress()};
    background_.reset();
    publish();
    phase_ = Phase::evaluate;
  }
  if (child_) {
    const auto ended = child_->poll();
    if (!ended) return {false, step_, 0};
    if (!*ended) {
      throw data_error(fmt::format("version {} of {} is there; its evaluation failed: {}",
                                   request_.version, request_.model, child_->error()));
    }
    take_evaluation();
    child_.reset();
    phase_ = Phase::over;
  }
  if (phase_ == Phase::take) {
    take_files();
  } else if (phase_ == Phase::evaluate && !request_.dataset.empty()) {
    start_evaluation();
  } else {
    return {.is_over = true};
  }
  return {false, step_, 0};
}

void ModelTask::take_files() {
  const fs::path version = work_ / "version";
  fs::create_directory(version);
  std::error_code none;
  if (!fs::is_regular_file(fs::path(request_.output) / kModelFiles[0], none)) {
    throw data_error(
        fmt::format("the job '{}' has no {}: only a job that has ended well has a model",
                    request_.job, kModelFiles[0]));
  }
  phase_ = Phase::sum;
  step_ = "taking the files";
  background_ = std::make_unique<Background>([this, version](BackgroundState& state) {
    for (const char* const name : kModelFiles) {
      const fs::path from = fs::path(request_.output) / name;
      std::error_code error;
      if (!fs::is_regular_file(from, error)) continue;
      // A job writes its model under a new name and renames it: what is linked here stays.
      fs::create_hard_link(from, version / name, error);
      if (error) copy_whole_file(from, version / name, state);
      if (state.cancelled) return;
      const std::string sum = sum_of_file(version / name, state);
      files_[name] = {{"bytes", fs::file_size(version / name)}, {"sha256", sum}};
    }
  });
}

void ModelTask::publish() {
  const ordered_json about = about_of(work_ / "version" / kModelFiles[0]);
  ordered_json card = {{"created", now_text()},
                       {"by", record_.by},
                       {"job", request_.job},
                       {"attempt", request_.attempt},
                       {"dataset", request_.dataset_name},
                       {"dataset_uuid", about.value("dataset", "")},
                       {"shape", about.value("shape", ordered_json::array())},
                       {"loss", about.value("loss", "")}};
  const auto more = ordered_json::parse(request_.about, nullptr, false);
  if (more.is_object()) card.update(more);
  card["files"] = files_;
  request_.version = parts_.models.adopt(work_ / "version", request_.model, card);
}

void ModelTask::start_evaluation() {
  step_ = "evaluating";
  const fs::path folder = fs::absolute(parts_.models.folder(request_.model, request_.version));
  child_.emplace(parts_.program,
                 launcher::Confinement{.directory = folder,
                                       .memory_bytes = kMemoryBytes,
                                       .file_bytes = kFileBytes,
                                       .cpu_seconds = kCpuSeconds},
                 std::vector<std::string>{"evaluate", "model.pt", request_.dataset, "--split",
                                          request_.split, "--json"},
                 work_ / "logs");
}

void ModelTask::take_evaluation() {
  auto found = ordered_json::parse(child_->output(), nullptr, false);
  if (!found.is_object()) throw data_error("the evaluation has printed no JSON");
  ordered_json evaluation = {
      {"time", now_text()}, {"dataset", request_.dataset_name}, {"split", request_.split}};
  evaluation.update(found);
  parts_.models.add_evaluation(request_.model, request_.version, evaluation);
}

}  // namespace ringtrain::server
