// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/mpijob_facts.hpp"

#include "mpijob/client/json_path.hpp"

namespace ringtrain::server {

using nlohmann::json;

bool has_ended(const json& job) {
  return mpijob::has_condition(job, "Succeeded") || mpijob::has_condition(job, "Failed");
}

std::string uid_of(const json& job) { return mpijob::look_text(job, {"metadata", "uid"}); }

bool is_of_kueue(const json& job) {
  return !mpijob::label_of(job, "kueue.x-k8s.io/queue-name").empty();
}

std::vector<std::string> ended_launchers(const json& pods) {
  std::vector<std::string> names;
  for (const json& pod : pods.at("items")) {
    if (mpijob::label_of(pod, "training.kubeflow.org/job-role") != "launcher") continue;
    const std::string phase = mpijob::look_text(pod, {"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed") names.push_back(mpijob::name_of(pod));
  }
  return names;
}

std::optional<int> exit_code_of(const json& launcher) {
  const json& containers = mpijob::look(launcher, {"status", "containerStatuses"});
  if (!containers.is_array()) return std::nullopt;
  for (const json& one : containers) {
    const json& ended = mpijob::look(one, {"state", "terminated"});
    if (ended.is_object()) return static_cast<int>(mpijob::look_number(ended, {"exitCode"}));
  }
  return std::nullopt;
}

}  // namespace ringtrain::server
