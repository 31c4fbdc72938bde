// SPDX-License-Identifier: Apache-2.0
// All that a cluster has about one job, read once or followed: the MPIJob, its pods, the launcher's
// Job and log, and events.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "launcher/pod_log.hpp"
#include "launcher/training_log.hpp"
#include "mpijob/api_client.hpp"
#include "mpijob/job_status.hpp"
#include "mpijob/watcher.hpp"

namespace ringtrain::launcher {

class JobObserver {
 public:
  // Reads everything. Throws an ApiError where there is no such job, or it may not be read; what
  // else may not be read becomes a note. The client must outlive the object.
  JobObserver(mpijob::ApiClient& client, const std::string& name);

  // Returns true as soon as something has changed, false when the time is over. Throws an ApiError
  // once the job is gone.
  bool wait(std::chrono::milliseconds at_most);

  mpijob::JobStatus status() const;
  const TrainingLog& log() const { return log_; }
  const nlohmann::json& mpijob() const;
  // The pods' objects.
  std::vector<nlohmann::json> pods() const { return pods_.list(); }

  // What could not be read, a line each.
  std::vector<std::string> notes() const;

 private:
  void read(mpijob::Watch& watch, bool needed);
  void read_log();
  void follow_log();

  mpijob::ApiClient& client_;
  const std::string name_;
  mpijob::Watch jobs_;
  mpijob::Watch launchers_;
  mpijob::Watch pods_;
  mpijob::Watch events_;
  std::vector<mpijob::Watch*> readable_;
  std::vector<std::string> notes_;
  TrainingLog log_;
  std::string log_of_;  // the pod whose log that is
  std::unique_ptr<mpijob::Watcher> watcher_;
  std::unique_ptr<PodLog> stream_;
  bool log_changed_ = false;
  std::chrono::steady_clock::time_point log_not_before_;
};

}  // namespace ringtrain::launcher
