// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/resume.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/checkpoint/resume_compatibility.hpp"
#include "runtime/models/model_files.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

// Returns the checkpoint at `path`: itself one, a folder of some, or the output of a job.
FoundCheckpoint checkpoint_at(const fs::path& path, const Warn& warn) {
  std::error_code error;
  if (fs::exists(path / "manifest.json", error)) {
    Manifest manifest = read_manifest(path);
    check_parts(path, manifest);
    return {path, std::move(manifest)};
  }
  for (const fs::path& folder : {path, path / "checkpoints"}) {
    if (auto found = newest_good_checkpoint(folder, warn)) return *std::move(found);
  }
  throw job_error(
      fmt::format("checkpoint.resume: {} holds no good checkpoint: give auto, never or the path of "
                  "one",
                  path.string()));
}

void set_aside(const fs::path& folder, int64_t step, const Warn& log) {
  if (const int count = set_later_checkpoints_aside(folder, step); count > 0) {
    log(fmt::format("moved {} of an earlier run to {}-old", counted(count, "checkpoint"),
                    folder.string()));
  }
}

void check_fit(const FoundCheckpoint& found, const JobSpec& job,
               const datasets::DatasetIndex& dataset, const Warn& warn) {
  if (const auto against = conflicts(found.manifest, job, dataset); !against.empty()) {
    throw job_error(
        fmt::format("checkpoint.resume: {} is of another job: {}: set checkpoint.resume=never to "
                    "start over, or another output",
                    found.path.string(), fmt::join(against, "; ")));
  }
  for (const std::string& change : changes(found.manifest, job)) {
    warn(fmt::format("resuming with a changed setting: {}", change));
  }
}

}  // namespace

std::optional<ResumePoint> find_resume_point(const JobSpec& job,
                                             const datasets::DatasetIndex& dataset, const Warn& log,
                                             const Warn& warn) {
  const fs::path folder = job.output / "checkpoints";
  const std::string& resume = job.checkpoint.resume;
  if (resume == "never") {
    set_aside(folder, -1, log);
    return std::nullopt;
  }
  const bool by_path = resume != "auto";
  const auto found = by_path ? checkpoint_at(resume, warn) : newest_good_checkpoint(folder, warn);
  if (!found) return std::nullopt;
  check_fit(*found, job, dataset, warn);
  if (by_path) {
    std::error_code error;
    const bool below_output = fs::equivalent(found->path.parent_path(), folder, error);
    set_aside(folder, below_output ? found->manifest.state.step : -1, log);
  }
  return ResumePoint{.path = found->path,
                     .state = found->manifest.state,
                     .weights = read_safetensors(found->path / "weights.safetensors").tensors,
                     .optimizer = read_safetensors(found->path / "optimizer.safetensors").tensors};
}

std::string print_resume_point(const std::optional<ResumePoint>& point) {
  if (!point) return "";
  return nlohmann::ordered_json{{"path", point->path.string()}, {"state", to_json(point->state)}}
      .dump();
}

std::optional<ResumePoint> resume_point_from(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto value = nlohmann::ordered_json::parse(text);
  return ResumePoint{.path = value.at("path").get<std::string>(),
                     .state = training_state_from(value.at("state")),
                     .weights = {},
                     .optimizer = {}};
}

}  // namespace ringtrain
