// SPDX-License-Identifier: Apache-2.0
// The reason why a pod does not run or cannot be created: from Kubernetes' objects to one line for
// the user.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::mpijob {

struct Problem {
  std::string reason;  // one word: "Unschedulable", "ImagePull", "OutOfMemory"
  std::string line;    // the problem, and what to do
};

// Returns the problem of a pod. `events` are those of the namespace; only the pod's own count.
std::optional<Problem> pod_problem(const nlohmann::json& pod,
                                   const std::vector<nlohmann::json>& events, Time now);

// Returns the reason why pods could not be created, from the API server's message: quota, Pod
// Security, a missing service account or priority class.
Problem creation_problem(const std::string& message);

// Returns when an event happened for the last time.
std::optional<Time> event_time(const nlohmann::json& event);

// Returns the newest event about an object with one of these reasons; null where there is none.
const nlohmann::json& newest_event(const std::vector<nlohmann::json>& events,
                                   const std::string& kind, const std::string& name,
                                   const std::vector<std::string>& reasons);

// Returns the cause in a container's termination message (the end of its log): the last line that
// starts with "ringtrain: ", else the last line that is not an event.
std::string last_words(const std::string& message);

}  // namespace ringtrain::mpijob
