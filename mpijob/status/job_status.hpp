// SPDX-License-Identifier: Apache-2.0
// How a job is, and why it does not run: decided from what Kubernetes has about it. A pure function
// of these objects, so that every case can be tested with recorded ones.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::mpijob {

// All objects as the API server gives them.
struct JobObjects {
  nlohmann::json mpijob;
  nlohmann::json launcher_job;         // batch/v1 Job; null: there is none (yet)
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
  // Invalid     the MPI operator refuses it
  // Pending     pods are missing or cannot run; `why` says what is in the way
  // Starting    the launcher connects the workers
  // Running     training
  // Restarting  training had begun; workers or the launcher are being replaced
  // Suspending, Suspended, Deleting
  // Succeeded, Failed
  std::string state;
  std::string reason;  // one word where there is a `why`
  std::string why;     // one line; empty where all is well
  int workers = 0;
  int workers_running = 0;
  std::optional<Time> created;
  std::optional<Time> started;
  std::optional<Time> finished;
  std::vector<PodStatus> pods;  // the newest launcher first, then the workers in order

  bool has_ended() const { return state == "Succeeded" || state == "Failed"; }
  // Cannot go on without a change by the user.
  bool is_hopeless() const { return state == "Invalid"; }
};

// What the log of the newest launcher says.
struct LauncherSays {
  bool training = false;   // ranks have started, and have not failed since
  std::string last_words;  // the cause of its end, where it named one
};

JobStatus judge(const JobObjects& objects, const LauncherSays& log, Time now);

// Of a pod: is it the launcher's?
bool is_launcher(const nlohmann::json& pod);

// The pod of the launcher's newest attempt; null where there is none.
const nlohmann::json& newest_launcher(const std::vector<nlohmann::json>& pods);

}  // namespace ringtrain::mpijob
