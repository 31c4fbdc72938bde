// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "job/result_file.hpp"
#include "runtime/models/model.hpp"
#include "storage/output_mirror.hpp"

namespace ringtrain {

// The output folder of a job, written by rank 0: model.safetensors, model.pth, model.pt,
// result.json, history.jsonl. Every file appears whole under its name or not at all.
class Output {
 public:
  // Makes the folder. Throws a job error if it cannot be made or written to. url: where its files
  // go as they are written, and come from now; empty: nowhere. Throws a data error for it.
  explicit Output(const std::filesystem::path& folder, const std::string& url = "");

  std::filesystem::path history_file() const { return folder_ / "history.jsonl"; }
  std::filesystem::path weights_file() const { return folder_ / "model.safetensors"; }
  // Its name for people: a path, or a URL.
  std::string weights_name() const;

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
  // Blocks until everything is at the URL. Throws a data error.
  void finish();

 private:
  std::filesystem::path folder_;
  std::string url_;
  std::optional<storage::OutputMirror> mirror_;
};

// Replaces a job's output at a URL by the folder of this machine that the job works in, and returns
// the URL; empty where the output is a folder.
std::string take_output_url(JobSpec& job);

// Completes an output that is there.
void finish(std::optional<Output>& output);

}  // namespace ringtrain
