// SPDX-License-Identifier: Apache-2.0
// All objects of a namespace that matter to its TrainInKubes, kept up to date by watches.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "mpijob/client/api_client.hpp"
#include "mpijob/client/watcher.hpp"
#include "mpijob/operator/reconcile.hpp"
#include "mpijob/operator/train_in_kube.hpp"

namespace ringtrain::mpijob {

class NamespaceView {
 public:
  // The client must outlive the object.
  explicit NamespaceView(ApiClient& client)
      : client_(client),
        watcher_(client, {&resources_, &jobs_, &mpijobs_, &config_maps_, &pods_, &events_}) {}

  // As Watcher's.
  bool wait(std::chrono::milliseconds at_most) { return watcher_.wait(at_most); }
  const std::string& problem() const { return watcher_.problem(); }

  // Returns whether every list has been read.
  bool is_complete() const;

  // Names of the resources.
  std::vector<std::string> names() const;
  // Returns what is there for one of them. Reads the log of a running launcher every few seconds.
  ObservedResource observe(const std::string& name);

 private:
  struct ReadLog {
    std::string pod;
    bool ended = false;  // it has been read since the pod's end
    TrainingLog log;
    Deadline next{std::chrono::seconds(0)};
  };
  const TrainingLog& log_of(const std::string& name, const nlohmann::json& launcher);

  ApiClient& client_;
  Watch resources_{train_in_kubes, {}};
  Watch jobs_{batch_jobs, {}};  // a launcher's Job has no label of ours
  Watch mpijobs_{mpi_jobs, {}};
  Watch config_maps_{config_maps, {kResourceLabel, ""}};
  Watch pods_{pods, {}};
  Watch events_{events, {"", "type!=Normal"}};
  Watcher watcher_;
  std::map<std::string, ReadLog> logs_;
};

}  // namespace ringtrain::mpijob
