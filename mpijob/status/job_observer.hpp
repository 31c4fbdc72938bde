// SPDX-License-Identifier: Apache-2.0
// A cluster's information about one job, read once or followed: the MPIJob, its pods, the
// launcher's Job and log, and events.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "mpijob/client/api_client.hpp"
#include "mpijob/client/watcher.hpp"
#include "mpijob/status/job_status.hpp"
#include "mpijob/status/pod_log.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::mpijob {

class JobObserver {
 public:
  // Reads everything. Throws an ApiError where there is no such job, or it may not be read; other
  // objects that may not be read become notes. The client must outlive the object.
  JobObserver(ApiClient& client, const std::string& name);

  // Returns true as soon as something has changed, false after `at_most`. Throws an ApiError once
  // the job is deleted.
  bool wait(std::chrono::milliseconds at_most);

  JobStatus status() const;
  const TrainingLog& log() const { return log_; }
  const nlohmann::json& mpijob() const;
  // The pods' objects.
  std::vector<nlohmann::json> pods() const { return pods_.list(); }

  // Objects that could not be read, a line each.
  std::vector<std::string> notes() const;

 private:
  void read(Watch& watch, bool needed);
  void read_log();
  void follow_log();

  ApiClient& client_;
  const std::string name_;
  Watch jobs_;
  Watch launchers_;
  Watch pods_;
  Watch events_;
  std::vector<Watch*> readable_;
  std::vector<std::string> notes_;
  TrainingLog log_;
  std::string log_of_;  // the pod with that log
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<PodLog> stream_;
  bool log_changed_ = false;
  Deadline next_log_{std::chrono::seconds(0)};
};

}  // namespace ringtrain::mpijob
