// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/step_state.hpp"

#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

const json nothing;  // null

// Returns the newest pod of a Job; null where there is none.
const json& newest_pod(const json& job, const std::vector<json>& pods) {
  const json* newest = &nothing;
  const auto made = [](const json& pod) {
    return look_text(pod, {"metadata", "creationTimestamp"});
  };
  for (const json& pod : pods) {
    if (label_of(pod, "job-name") != name_of(job)) continue;
    if (newest->is_null() || made(pod) > made(*newest)) newest = &pod;
  }
  return *newest;
}

StepState state_without_pod(const json& job, const std::vector<json>& events) {
  const json& event = newest_event(events, "Job", name_of(job), {"FailedCreate"});
  if (event.is_null()) return {};
  const Problem problem = creation_problem(look_text(event, {"message"}));
  return {.reason = problem.reason, .why = problem.line};
}

}  // namespace

bool is_hopeless(const json& pod, const Problem& problem, Time now, std::chrono::seconds patience) {
  if (problem.reason != "ImagePull" && problem.reason != "CannotStart") return false;
  const auto made = parse_time(look_text(pod, {"metadata", "creationTimestamp"}));
  return made && now - *made > patience;
}

StepState step_state(const json& job, const std::vector<json>& pods,
                     const std::vector<json>& events, Time now, std::chrono::seconds patience) {
  if (has_condition(job, "Complete")) return {.complete = true, .reason = {}, .why = {}};
  const json& pod = newest_pod(job, pods);
  StepState state;
  if (pod.is_null()) {
    state = state_without_pod(job, events);
  } else if (const auto problem = pod_problem(pod, events, now)) {
    state.reason = problem->reason;
    state.why = problem->line;
    state.failed = is_hopeless(pod, *problem, now, patience);
  }
  if (!has_condition(job, "Failed")) return state;
  state.failed = true;
  if (state.why.empty()) {
    state.reason = look_text(condition(job, "Failed"), {"reason"});
    state.why = look_text(condition(job, "Failed"), {"message"});
  }
  return state;
}

}  // namespace ringtrain::mpijob
