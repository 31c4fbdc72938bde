// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "job/result_file.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The output folder of a job, written by rank 0: model.safetensors, model.pth, model.pt,
// result.json, history.jsonl. Every file appears whole under its name or not at all.
class Output {
 public:
  // Makes the folder. Throws a job error if it cannot be made or written to.
  explicit Output(const std::filesystem::path& folder);

  std::filesystem::path history_file() const { return folder_ / "history.jsonl"; }
  std::filesystem::path weights_file() const { return folder_ / "model.safetensors"; }

  // Writes the model's files: model.safetensors and model.pt with what a server needs to feed the
  // model (mean, std, shape, and class names or targets), model.pth without.
  void save_model(const Model& model, const datasets::DatasetIndex& dataset,
                  const JobSpec& job) const;
  // Completes the run: a request to finish it is met.
  void save_result(const Result& result) const;
  // Removes result.json, for it speaks of an earlier run; returns whether there was one.
  bool forget_result() const;
  // Returns result.json if it is of a run that finished with step `steps`, and model.safetensors
  // and model.pt are there.
  std::optional<Result> result_of(int64_t steps) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ringtrain
