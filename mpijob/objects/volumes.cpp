// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/volumes.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

ordered_json volume_source(const VolumeSpec& volume) {
  switch (volume.source) {
    case VolumeSpec::Source::claim: {
      ordered_json claim = {{"claimName", volume.claim}};
      if (volume.read_only) claim["readOnly"] = true;
      return {{"persistentVolumeClaim", std::move(claim)}};
    }
    case VolumeSpec::Source::host_path:
      return {{"hostPath", {{"path", volume.path}, {"type", "Directory"}}}};
    case VolumeSpec::Source::nfs:
      return {{"nfs", {{"server", volume.server}, {"path", volume.path}}}};
    case VolumeSpec::Source::ephemeral: {
      ordered_json claim = {{"accessModes", {"ReadWriteOnce"}},
                            {"resources", {{"requests", {{"storage", volume.size}}}}}};
      if (!volume.storage_class.empty()) claim["storageClassName"] = volume.storage_class;
      return {{"ephemeral", {{"volumeClaimTemplate", {{"spec", std::move(claim)}}}}}};
    }
    case VolumeSpec::Source::empty_dir:
      break;
  }
  ordered_json directory = ordered_json::object();
  if (volume.memory) directory["medium"] = "Memory";
  if (!volume.size.empty()) directory["sizeLimit"] = volume.size;
  return {{"emptyDir", std::move(directory)}};
}

}  // namespace

void add_data_volumes(const KubernetesSpec& spec, ordered_json& volumes, ordered_json& mounts) {
  for (size_t i = 0; i < spec.volumes.size(); ++i) {
    const VolumeSpec& volume = spec.volumes[i];
    const std::string name = fmt::format("volume-{}", i);
    ordered_json entry = {{"name", name}};
    entry.update(volume_source(volume));
    volumes.push_back(std::move(entry));
    ordered_json mount = {{"name", name}, {"mountPath", volume.mount}};
    if (!volume.sub_path.empty()) mount["subPath"] = volume.sub_path;
    if (volume.read_only) mount["readOnly"] = true;
    mounts.push_back(std::move(mount));
  }
  for (size_t i = 0; i < spec.secrets.size(); ++i) {
    const std::string name = fmt::format("secret-{}", i);
    // Group-readable: the files belong to root, and their group is the pod's fsGroup.
    volumes.push_back(
        {{"name", name},
         {"secret", {{"secretName", spec.secrets[i].secret}, {"defaultMode", 0440}}}});
    mounts.push_back({{"name", name}, {"mountPath", spec.secrets[i].mount}, {"readOnly", true}});
  }
}

}  // namespace ringtrain::mpijob
