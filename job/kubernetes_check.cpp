// SPDX-License-Identifier: Apache-2.0
#include "job/kubernetes_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "job/keys/script_check.hpp"

namespace ringtrain {
namespace {

bool is_below(const std::string& path, const std::string& directory) {
  const std::string base = directory.ends_with('/') ? directory : directory + "/";
  return path == directory || path.starts_with(base);
}

}  // namespace

void check_kubernetes(const KubernetesSpec& spec, bool runs_script, const Document& document) {
  const std::string group = "kubernetes";
  for (const auto& [name, value] : spec.env) {
    if (!is_variable_name(name)) {
      document.refuse(join_path(group + ".env", name), kVariableNames);
    }
  }
  if (spec.gpus_per_worker > 0 && spec.slots() > spec.gpus_per_worker) {
    document.refuse(group + ".slots_per_worker",
                    fmt::format("must not be above gpus_per_worker ({}): a rank has a GPU of its "
                                "own, found {}",
                                spec.gpus_per_worker, spec.slots_per_worker));
  }
  for (size_t i = 0; i < spec.tolerations.size(); ++i) {
    const TolerationSpec& toleration = spec.tolerations[i];
    const std::string path = join_path(group + ".tolerations", i);
    if (toleration.key.empty() && toleration.operation != "Exists") {
      document.refuse(path, "needs a key, or operator: Exists for every taint");
    }
    if (toleration.operation == "Exists" && !toleration.value.empty()) {
      document.refuse(path, "has a value, which operator: Exists does not look at");
    }
    if (toleration.seconds && toleration.effect != "NoExecute") {
      document.refuse(path, "has seconds, which are for effect: NoExecute alone");
    }
  }
  std::vector<std::string> mounts = {"/etc/ringtrain", "/etc/mpi", "/dev/shm"};
  if (runs_script) mounts.insert(mounts.end(), {"/ringtrain", "/home/mpiuser"});
  const auto take_mount = [&](const std::string& mount, const std::string& path) {
    if (std::find(mounts.begin(), mounts.end(), mount) != mounts.end()) {
      document.refuse(path, fmt::format("{} is mounted already", mount));
    }
    mounts.push_back(mount);
  };
  for (size_t i = 0; i < spec.volumes.size(); ++i) {
    take_mount(spec.volumes[i].mount, join_path(join_path(group + ".volumes", i), "mount"));
  }
  for (size_t i = 0; i < spec.secrets.size(); ++i) {
    take_mount(spec.secrets[i].mount, join_path(join_path(group + ".secrets", i), "mount"));
  }
  if (!spec.fetch) return;
  if (spec.fetch->from.empty()) document.refuse(group + ".fetch.from", "is empty");
  const bool has_place =
      std::any_of(spec.volumes.begin(), spec.volumes.end(), [&](const VolumeSpec& volume) {
        return is_below(spec.fetch->to, volume.mount) && !volume.read_only &&
               (volume.source == VolumeSpec::Source::empty_dir ||
                volume.source == VolumeSpec::Source::ephemeral);
      });
  if (!has_place) {
    document.refuse(group + ".fetch.to",
                    "must lie in a volume of the worker's own: an empty_dir or ephemeral one");
  }
}

}  // namespace ringtrain
