// SPDX-License-Identifier: Apache-2.0
// Why a pod, or what makes pods, does not run: from Kubernetes' objects to one line for the user.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::mpijob {

struct Problem {
  std::string reason;  // one word: "Unschedulable", "ImagePull", "OutOfMemory"
  std::string line;    // what is wrong and what to do
};

// `events` are those of the namespace; only the pod's own count.
std::optional<Problem> pod_problem(const nlohmann::json& pod,
                                   const std::vector<nlohmann::json>& events, Time now);

// Why pods could not be made, from what the API server told their maker: quota, Pod Security, a
// service account or a priority class that is not there.
Problem creation_problem(const std::string& message);

// When an event happened for the last time.
std::optional<Time> event_time(const nlohmann::json& event);

// The newest event about an object with one of these reasons; null where there is none.
const nlohmann::json& newest_event(const std::vector<nlohmann::json>& events,
                                   const std::string& kind, const std::string& name,
                                   const std::vector<std::string>& reasons);

// From a container's termination message (the end of its log): the last line that is no event,
// with the program's own "ringtrain: " taken for the cause where it is there.
std::string last_words(const std::string& message);

}  // namespace ringtrain::mpijob
