// SPDX-License-Identifier: Apache-2.0
// State of a step's Job, with the reason why it does not proceed.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "mpijob/status/diagnosis.hpp"

namespace ringtrain::mpijob {

struct StepState {
  bool complete = false;
  bool failed = false;
  std::string reason;  // one word; empty: it proceeds
  std::string why;     // one line
};

// `pods` and `events` may be of other objects, too.
StepState step_state(const nlohmann::json& job, const std::vector<nlohmann::json>& pods,
                     const std::vector<nlohmann::json>& events, Time now,
                     std::chrono::seconds patience);

// Returns whether a pod has not started for longer than `patience`, for a reason that no other
// pod's end mends: an image that cannot be pulled, a container that cannot start.
bool is_hopeless(const nlohmann::json& pod, const Problem& problem, Time now,
                 std::chrono::seconds patience);

}  // namespace ringtrain::mpijob
