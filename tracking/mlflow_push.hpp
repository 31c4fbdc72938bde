// SPDX-License-Identifier: Apache-2.0
// Pushes the events of a job to a run of MLflow. A folder's events.jsonl is the queue: what was
// pushed of it stands in mlflow.json, so a launcher that was killed, or a server that did not
// answer, loses nothing. One run a job: a later launcher of the same folder continues it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "job/outcome_file.hpp"
#include "tracking/mlflow_client.hpp"

namespace ringtrain::tracking {

// mlflow.json
struct MlflowState {
  std::string url = {};
  std::string name = {};  // of the job
  std::map<std::string, std::string> parameters = {};
  std::string run_id = {};  // empty: not made yet
  std::string artifacts = {};
  std::string events = {};  // path of the events.jsonl that is being pushed
  uint64_t offset = 0;      // bytes of it that are pushed
  int64_t step = 0;         // newest that is pushed
  std::string status = {};  // as pushed last; empty: none
};

class MlflowPush {
 public:
  // Continues from `state_file`. Where it is missing, or was made for another server or another
  // events.jsonl, pushes what `events` gets from now on. Throws an io error.
  MlflowPush(const MlflowServer& server, const std::filesystem::path& state_file,
             const std::string& name, const std::map<std::string, std::string>& parameters,
             const std::filesystem::path& events);
  // Continues what an earlier launcher began. Throws a data error where there is no such file.
  MlflowPush(const MlflowServer& server, const std::filesystem::path& state_file);

  // Pushes what is new, some of it at a time. Returns whether there may be more. Throws as
  // MlflowClient, or an io error.
  bool push();
  // Closes the run, with the files of a finished job as artifacts. Throws the same.
  void finish(const Outcome& outcome);

  const MlflowState& state() const { return state_; }

 private:
  void open_run(int64_t start);
  void save();

  MlflowClient client_;
  const std::filesystem::path state_file_;
  MlflowState state_;
};

// Whether mlflow.json is there and says that the run of MLflow was not closed.
bool is_open_in_mlflow(const std::filesystem::path& state_file);

// Every key of a job with a value, by its path: "optimizer.learning_rate" is "0.05".
std::map<std::string, std::string> parameters_of(const std::string& job_as_json);

}  // namespace ringtrain::tracking
