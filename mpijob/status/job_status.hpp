// SPDX-License-Identifier: Apache-2.0
// The state of a job, and the reason why it does not run: a pure function of Kubernetes' objects,
// so that every case can be tested with recorded ones.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::mpijob {

// Objects as the API server returns them.
struct JobObjects {
  nlohmann::json mpijob;
  nlohmann::json launcher_job;         // batch/v1 Job; null: none (yet)
  std::vector<nlohmann::json> pods;    // of the job
  std::vector<nlohmann::json> events;  // of the namespace; those of other objects are ignored
};

struct PodStatus {
  std::string name;
  std::string role;  // "launcher", "worker"
  int index = 0;     // of a worker
  std::string node;  // empty: not scheduled
  // Pending, Starting, Running, NotReady, Terminating, Succeeded, Failed
  std::string state;
  int64_t restarts = 0;  // of its containers
  std::string reason;    // of its problem: one word
  std::string problem;   // one line; empty: none
};

struct JobStatus {
  std::string name;
  std::string name_space;
  // Invalid     the MPI operator rejects it
  // Pending     pods are missing or cannot run; `why` has the reason
  // Starting    the launcher connects the workers
  // Running     training
  // Restarting  training had begun; workers or the launcher are being replaced
  // Suspending, Suspended, Deleting
  // Succeeded, Failed
  std::string state;
  std::string reason;  // one word where there is a `why`
  std::string why;     // one line; empty without a problem
  int workers = 0;
  int workers_running = 0;
  std::optional<Time> created;
  std::optional<Time> started;
  std::optional<Time> finished;
  std::vector<PodStatus> pods;  // the newest launcher first, then the workers in order

  bool has_ended() const { return state == "Succeeded" || state == "Failed"; }
  // Returns whether the job cannot run without a change by the user.
  bool is_hopeless() const { return state == "Invalid"; }
};

// State of the newest launcher, from its log.
struct LauncherState {
  bool training = false;  // ranks have started, and have not failed since
  std::string cause;      // of its failure; empty: the log has none
};

// Decides a job's state.
JobStatus judge(const JobObjects& objects, const LauncherState& log, Time now);

// Returns the pod of the launcher's newest attempt; null where there is none.
const nlohmann::json& newest_launcher(const std::vector<nlohmann::json>& pods);

}  // namespace ringtrain::mpijob
