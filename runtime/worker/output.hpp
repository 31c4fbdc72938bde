// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "datasets/format/plan.hpp"
#include "job/job_spec.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/result.hpp"

namespace ringtrain {

// The folder that a job leaves behind, written by rank 0: model.safetensors, model.pt, result.json,
// history.jsonl. Every file appears whole under its name or not at all.
class Output {
 public:
  // Makes the folder. Throws a job error when it cannot be made or written to.
  explicit Output(const std::filesystem::path& folder);

  std::filesystem::path history_file() const { return folder_ / "history.jsonl"; }
  std::filesystem::path weights_file() const { return folder_ / "model.safetensors"; }

  // Both model files, with what is needed to feed the model: mean, std, shape and class names.
  void save_model(const Model& model, const datasets::Plan& plan, const JobSpec& job) const;
  void save_result(const Result& result) const;
  // What result.json says of a run that ended with step `steps`; nothing where it is not there or
  // not whole, or a model file is missing.
  std::optional<nlohmann::ordered_json> result_of(int64_t steps) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ringtrain
