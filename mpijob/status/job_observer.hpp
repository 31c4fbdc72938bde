// SPDX-License-Identifier: Apache-2.0
// All that a cluster has about one job, read once or followed: the MPIJob, its pods, the launcher's
// Job and log, and events.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "mpijob/client/api_client.hpp"
#include "mpijob/client/watcher.hpp"
#include "mpijob/status/job_status.hpp"
#include "mpijob/status/pod_log.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::mpijob {

class JobObserver {
 public:
  // Reads everything. Throws an ApiError where there is no such job, or it may not be read; what
  // else may not be read becomes a note. The client must outlive the object.
  JobObserver(ApiClient& client, const std::string& name);

  // Returns true as soon as something has changed, false when the time is over. Throws an ApiError
  // once the job is gone.
  bool wait(std::chrono::milliseconds at_most);

  JobStatus status() const;
  const TrainingLog& log() const { return log_; }
  const nlohmann::json& mpijob() const;
  // The pods' objects.
  std::vector<nlohmann::json> pods() const { return pods_.list(); }

  // What could not be read, a line each.
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
  std::string log_of_;  // the pod whose log that is
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<PodLog> stream_;
  bool log_changed_ = false;
  std::chrono::steady_clock::time_point log_not_before_;
};

}  // namespace ringtrain::mpijob
