// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "mpijob/client/api_client.hpp"
#include "mpijob/status/pod_log.hpp"
#include "mpijob/status/training_log.hpp"
#include "server/cluster/log_copy.hpp"

namespace ringtrain::server {

// The logs of a job's launchers, one pod after another: followed while the pod runs, read to their
// end once it has ended.
class LauncherLogs {
 public:
  // Both must outlive the object.
  LauncherLogs(mpijob::ApiClient& client, LogCopy& copy) : client_(client), copy_(copy) {}

  // Takes up what is new. `pods`: of the job; `earlier`: names of those to leave out. Lines come
  // while the client's transport waits, too.
  void follow(const std::vector<nlohmann::json>& pods, const std::vector<std::string>& earlier);

  // Returns the state of the training, from the newest launcher's log.
  const mpijob::TrainingLog& training() const { return training_; }

 private:
  void read_whole(const std::string& pod);
  void take(const std::string& line);
  std::string since() const;

  mpijob::ApiClient& client_;
  LogCopy& copy_;
  mpijob::TrainingLog training_;
  std::string training_of_;     // the pod
  std::set<std::string> read_;  // pods that are read to their end
  std::unique_ptr<mpijob::PodLog> stream_;
  Deadline next_try_{std::chrono::seconds(0)};
};

}  // namespace ringtrain::server
