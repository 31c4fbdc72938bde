// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/operator_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;
using Problems = std::vector<std::string>;

// Returns the value below a path of keys, or null.
const ordered_json& at(const ordered_json& value, const char* pointer) {
  static const ordered_json nothing;
  const ordered_json::json_pointer path(pointer);
  return value.contains(path) ? value.at(path) : nothing;
}

void one_of(const ordered_json& value, const std::string& fallback, const std::string& path,
            const std::vector<std::string>& allowed, Problems& problems) {
  const std::string text = value.is_string() ? value.get<std::string>() : fallback;
  if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return;
  problems.push_back(
      fmt::format("{}: must be one of {}, found '{}'", path, fmt::join(allowed, ", "), text));
}

void not_negative(const ordered_json& value, const std::string& path, Problems& problems) {
  if (value.is_null()) return;
  if (!value.is_number_integer() || value.get<int64_t>() < 0) {
    problems.push_back(
        fmt::format("{}: must be a whole number from 0, found {}", path, value.dump()));
  }
}

void check_replicas(const ordered_json& replica, const std::string& path,
                    const std::string& default_policy, Problems& problems) {
  one_of(at(replica, "/restartPolicy"), default_policy, path + ".restartPolicy",
         {"Never", "OnFailure"}, problems);
  const ordered_json& containers = at(replica, "/template/spec/containers");
  if (!containers.is_array() || containers.empty()) {
    problems.push_back(path + ".template.spec.containers: must have at least one container");
  }
}

void check_launcher(const ordered_json& launcher, Problems& problems) {
  const std::string path = "spec.mpiReplicaSpecs.Launcher";
  if (launcher.is_null()) {
    problems.push_back(path + ": is missing");
    return;
  }
  check_replicas(launcher, path, "OnFailure", problems);
  const ordered_json& replicas = at(launcher, "/replicas");
  if (!replicas.is_null() && replicas != 1) {
    problems.push_back(fmt::format("{}.replicas: must be 1, found {}", path, replicas.dump()));
  }
}

// Returns the number of workers, at least 1, for the name of the last of them.
int64_t check_workers(const ordered_json& workers, Problems& problems) {
  if (workers.is_null()) return 1;
  const std::string path = "spec.mpiReplicaSpecs.Worker";
  check_replicas(workers, path, "Never", problems);
  const ordered_json& replicas = at(workers, "/replicas");
  if (replicas.is_number_integer() && replicas.get<int64_t>() >= 1) return replicas.get<int64_t>();
  problems.push_back(path + ".replicas: must be a whole number from 1");
  return 1;
}

}  // namespace

bool is_dns_1035_label(const std::string& name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && name.size() <= 63 && is_lower(name.front()) && name.back() != '-' &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::vector<std::string> broken_operator_rules(const ordered_json& mpijob) {
  Problems problems;
  check_launcher(at(mpijob, "/spec/mpiReplicaSpecs/Launcher"), problems);
  const int64_t workers = check_workers(at(mpijob, "/spec/mpiReplicaSpecs/Worker"), problems);

  const ordered_json& name = at(mpijob, "/metadata/name");
  const std::string last_pod = fmt::format(
      "{}-worker-{}", name.is_string() ? name.get<std::string>() : std::string(), workers - 1);
  if (!is_dns_1035_label(last_pod)) {
    problems.push_back(
        fmt::format("metadata.name: '{}' would be the last worker's name: it must be lower-case "
                    "letters, digits and '-', start with a letter, and have at most 63 characters",
                    last_pod));
  }

  not_negative(at(mpijob, "/spec/slotsPerWorker"), "spec.slotsPerWorker", problems);
  one_of(at(mpijob, "/spec/mpiImplementation"), "OpenMPI", "spec.mpiImplementation",
         {"OpenMPI", "Intel", "MPICH"}, problems);
  // Not a rule of the operator, but it takes any other string for WaitForWorkersReady.
  one_of(at(mpijob, "/spec/launcherCreationPolicy"), "AtStartup", "spec.launcherCreationPolicy",
         {"AtStartup", "WaitForWorkersReady"}, problems);
  const ordered_json& mount = at(mpijob, "/spec/sshAuthMountPath");
  if (mount.is_string() && mount.get_ref<const std::string&>().empty()) {
    problems.emplace_back("spec.sshAuthMountPath: is empty");
  }

  const std::string policy = "spec.runPolicy.";
  one_of(at(mpijob, "/spec/runPolicy/cleanPodPolicy"), "None", policy + "cleanPodPolicy",
         {"None", "Running", "All"}, problems);
  for (const char* key : {"ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"}) {
    not_negative(at(mpijob, (std::string("/spec/runPolicy/") + key).c_str()), policy + key,
                 problems);
  }
  const ordered_json& managed_by = at(mpijob, "/spec/runPolicy/managedBy");
  if (!managed_by.is_null()) {
    one_of(managed_by, "", policy + "managedBy",
           {"kubeflow.org/mpi-operator", "kueue.x-k8s.io/multikueue"}, problems);
  }
  return problems;
}

}  // namespace ringtrain::mpijob
