// SPDX-License-Identifier: Apache-2.0
// Train tasks of KubeML among a server's jobs: task ID is job job-ID, and its history a file that
// rank 0 writes to the job's output after each epoch.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/jobs/jobs.hpp"
#include "server/kubeml/storage.hpp"

namespace ringtrain::server {

// A task that has not ended.
struct ActiveTask {
  std::string id;
  int ranks = 0;
  nlohmann::ordered_json request;
  nlohmann::ordered_json figures;  // the history's data; null before the first epoch
};

class KubemlTasks {
 public:
  // `quiet_seconds`: a task whose functions all do nothing for so long is ended.
  KubemlTasks(Jobs& jobs, KubemlStorage& storage, int quiet_seconds)
      : jobs_(jobs), storage_(storage), quiet_seconds_(quiet_seconds) {}

  // Submits a task and returns its id. Throws a Problem.
  std::string start(const std::string& body, const std::string& by);
  std::vector<ActiveTask> active() const;
  // Ends it after its epoch; one that waits does not start. Throws a Problem 500 as KubeML does.
  void stop(const std::string& id, const std::string& by);

  // Returns the history of a task that has ended. Throws a Problem 404.
  nlohmann::ordered_json history(const std::string& id) const;
  // Returns all of them, the oldest first; null for none.
  nlohmann::ordered_json histories() const;
  // Forgets one, or all; their jobs stay. Unknown ones are none.
  void forget_history(const std::string& id);
  void forget_histories();

  // Returns the output of a task's job. Throws a Problem 404.
  std::filesystem::path output(const std::string& id) const;

 private:
  // Whether a task has ended and has a history.
  bool has_ended(const std::string& id) const;
  std::vector<std::string> ended() const;

  Jobs& jobs_;
  KubemlStorage& storage_;
  const int quiet_seconds_;
};

}  // namespace ringtrain::server
