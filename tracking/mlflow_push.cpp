// SPDX-License-Identifier: Apache-2.0
#include "tracking/mlflow_push.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/events_file.hpp"
#include "job/fields.hpp"
#include "tracking/scalars.hpp"

namespace ringtrain::tracking {

using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const MlflowState*) {
  using T = MlflowState;
  return std::tuple(
      field("url", &T::url), field("name", &T::name), field("parameters", &T::parameters),
      field("run_id", &T::run_id), field("artifacts", &T::artifacts), field("events", &T::events),
      field("offset", &T::offset), field("step", &T::step), field("status", &T::status));
}

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr uintmax_t kMaxArtifact = uintmax_t{256} << 20;

int64_t milliseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::optional<MlflowState> read_state(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    const auto json = ordered_json::parse(read_file(file));
    if (json.value("version", 0) != kVersion) return std::nullopt;
    return json.get<MlflowState>();
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

uint64_t size_of(const fs::path& file) {
  std::error_code error;
  const uintmax_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

const char* status_of(RunStatus status) {
  switch (status) {
    case RunStatus::finished:
      return "FINISHED";
    case RunStatus::cancelled:
    case RunStatus::killed:
      return "KILLED";
    case RunStatus::failed:
    case RunStatus::lost:
      break;
  }
  return "FAILED";
}

void flatten(const std::string& path, const ordered_json& value,
             std::map<std::string, std::string>& into) {
  if (!value.is_object()) {
    into[path] = value.is_string() ? value.get<std::string>() : value.dump();
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    flatten(path.empty() ? key : path + "." + key, inner, into);
  }
}

}  // namespace

std::map<std::string, std::string> parameters_of(const std::string& job_as_json) {
  std::map<std::string, std::string> parameters;
  flatten("", ordered_json::parse(job_as_json), parameters);
  return parameters;
}

bool is_open_in_mlflow(const fs::path& state_file) {
  const auto state = read_state(state_file);
  return state && (state->status.empty() || state->status == "RUNNING");
}

MlflowPush::MlflowPush(const MlflowServer& server, const fs::path& state_file,
                       const std::string& name,
                       const std::map<std::string, std::string>& parameters, const fs::path& events)
    : client_(server), state_file_(state_file) {
  if (const auto found = read_state(state_file); found && found->url == server.url) {
    state_ = *found;
  }
  state_.url = server.url;
  state_.name = name;
  state_.parameters = parameters;
  if (state_.events != events.string()) {
    state_.events = events.string();
    state_.offset = size_of(events);
  }
  save();
}

MlflowPush::MlflowPush(const MlflowServer& server, const fs::path& state_file)
    : client_(server), state_file_(state_file) {
  const auto found = read_state(state_file);
  if (!found) {
    throw data_error(
        fmt::format("{}: holds no run that was pushed to MLflow", state_file.string()));
  }
  state_ = *found;
}

void MlflowPush::save() {
  ordered_json json = {{"version", kVersion}};
  put_fields(json, state_);
  write_file(state_file_, json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

void MlflowPush::open_run(int64_t start) {
  if (!state_.run_id.empty()) return;
  const MlflowRun run = client_.open_run(state_.name, start);
  state_.run_id = run.id;
  state_.artifacts = run.artifacts;
  save();
  client_.log_parameters(run.id, state_.parameters);
}

bool MlflowPush::push() {
  uint64_t offset = state_.offset;
  int64_t step = state_.step;
  int64_t first = 0;
  bool is_fresh = false;  // trains from the start, in a folder that has been trained in before
  std::vector<MlflowMetric> metrics;
  const bool more = read_events(state_.events, offset, [&](const EventRecord& record) {
    const int64_t time = milliseconds(record.time.value_or(std::chrono::system_clock::now()));
    if (first == 0) first = time;
    if (const auto* const started = std::get_if<StartedEvent>(&record.event)) {
      is_fresh = is_fresh || (started->from_step == 0 && record.attempt == 1 && state_.step > 0);
      if (is_fresh) step = 0;
    }
    const Scalars scalars = scalars_of(record.event);
    // Steps that are made again after a loss give the same values. An epoch has its last step's
    // number, which a step event may have had.
    const bool is_epoch = std::holds_alternative<EpochEvent>(record.event);
    if (is_epoch ? scalars.step < step : scalars.step <= step) return;
    step = scalars.step;
    for (const auto& [key, value] : scalars.values) {
      metrics.push_back({.key = key, .value = value, .timestamp = time, .step = scalars.step});
    }
  });
  if (offset == state_.offset) return false;
  if (is_fresh && !state_.run_id.empty()) {
    if (state_.status == "RUNNING") client_.update_run(state_.run_id, "KILLED", first);
    state_.run_id.clear();
    state_.status.clear();
  }
  open_run(first);
  if (state_.status != "RUNNING") {
    client_.update_run(state_.run_id, "RUNNING", 0);
    state_.status = "RUNNING";
  }
  for (size_t at = 0; at < metrics.size(); at += MlflowClient::kMaxMetrics) {
    const auto begin = metrics.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(
                                 std::min(MlflowClient::kMaxMetrics, metrics.size() - at));
    client_.log_metrics(state_.run_id, {begin, end});
  }
  state_.offset = offset;
  state_.step = step;
  save();
  return more;
}

void MlflowPush::finish(const Outcome& outcome) {
  open_run(milliseconds(outcome.started));
  const fs::path folder = state_file_.parent_path();
  if (outcome.status == RunStatus::finished) {
    for (const char* const name : {"result.json", "history.jsonl", "model.safetensors"}) {
      const uint64_t size = size_of(folder / name);
      if (size == 0 || size > kMaxArtifact) continue;
      client_.put_artifact({state_.run_id, state_.artifacts}, name,
                           read_file(folder / name, kMaxArtifact));
    }
  }
  state_.status = status_of(outcome.status);
  client_.update_run(state_.run_id, state_.status, milliseconds(outcome.ended));
  save();
}

}  // namespace ringtrain::tracking
