// SPDX-License-Identifier: Apache-2.0
#include "job/kubernetes_json.hpp"

namespace ringtrain {

using nlohmann::json;

NLOHMANN_JSON_SERIALIZE_ENUM(KubernetesSpec::Gang,
                             {{KubernetesSpec::Gang::none, "none"},
                              {KubernetesSpec::Gang::volcano, "volcano"},
                              {KubernetesSpec::Gang::scheduler_plugins, "scheduler-plugins"}})
NLOHMANN_JSON_SERIALIZE_ENUM(KubernetesSpec::CleanPods,
                             {{KubernetesSpec::CleanPods::running, "running"},
                              {KubernetesSpec::CleanPods::all, "all"},
                              {KubernetesSpec::CleanPods::none, "none"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SecretSpec, secret, mount)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FetchSpec, from, to)

namespace {

void put(json& value, const char* key, const std::string& text) {
  if (!text.empty()) value[key] = text;
}

template <class T>
void put(json& value, const char* key, const std::optional<T>& item) {
  if (item) value[key] = *item;
}

template <class T>
void take(const json& value, const char* key, T& into) {
  if (const auto found = value.find(key); found != value.end()) found->get_to(into);
}

template <class T>
void take(const json& value, const char* key, std::optional<T>& into) {
  if (const auto found = value.find(key); found != value.end()) into = found->get<T>();
}

}  // namespace

// Found by nlohmann::json for the elements of lists.
static void to_json(json& value, const TolerationSpec& spec) {
  value = json::object();
  put(value, "key", spec.key);
  put(value, "operator", spec.operation);
  put(value, "value", spec.value);
  put(value, "effect", spec.effect);
  put(value, "seconds", spec.seconds);
}

static void from_json(const json& value, TolerationSpec& spec) {
  take(value, "key", spec.key);
  take(value, "operator", spec.operation);
  take(value, "value", spec.value);
  take(value, "effect", spec.effect);
  take(value, "seconds", spec.seconds);
}

static void to_json(json& value, const VolumeSpec& spec) {
  value = {{"mount", spec.mount}, {"read_only", spec.read_only}};
  put(value, "sub_path", spec.sub_path);
  switch (spec.source) {
    case VolumeSpec::Source::claim:
      value["claim"] = spec.claim;
      break;
    case VolumeSpec::Source::host_path:
      value["host_path"] = spec.path;
      break;
    case VolumeSpec::Source::nfs:
      value["nfs"] = {{"server", spec.server}, {"path", spec.path}};
      break;
    case VolumeSpec::Source::empty_dir:
      value["empty_dir"] = {{"memory", spec.memory}};
      put(value["empty_dir"], "size", spec.size);
      break;
    case VolumeSpec::Source::ephemeral:
      value["ephemeral"] = {{"size", spec.size}};
      put(value["ephemeral"], "storage_class", spec.storage_class);
      break;
  }
}

static void from_json(const json& value, VolumeSpec& spec) {
  take(value, "mount", spec.mount);
  take(value, "read_only", spec.read_only);
  take(value, "sub_path", spec.sub_path);
  if (value.contains("claim")) {
    spec.source = VolumeSpec::Source::claim;
    take(value, "claim", spec.claim);
  } else if (value.contains("host_path")) {
    spec.source = VolumeSpec::Source::host_path;
    take(value, "host_path", spec.path);
  } else if (value.contains("nfs")) {
    spec.source = VolumeSpec::Source::nfs;
    take(value["nfs"], "server", spec.server);
    take(value["nfs"], "path", spec.path);
  } else if (value.contains("ephemeral")) {
    spec.source = VolumeSpec::Source::ephemeral;
    take(value["ephemeral"], "size", spec.size);
    take(value["ephemeral"], "storage_class", spec.storage_class);
  } else if (value.contains("empty_dir")) {
    spec.source = VolumeSpec::Source::empty_dir;
    take(value["empty_dir"], "size", spec.size);
    take(value["empty_dir"], "memory", spec.memory);
  }
}

void to_json(json& value, const KubernetesSpec& spec) {
  value = {{"namespace", spec.name_space},
           {"image", spec.image},
           {"image_pull_policy", spec.image_pull_policy},
           {"image_pull_secrets", spec.image_pull_secrets},
           {"workers", spec.workers},
           {"gpus_per_worker", spec.gpus_per_worker},
           {"gpu_resource", spec.gpu_resource},
           {"slots_per_worker", spec.slots_per_worker},
           {"cpus", spec.cpus},
           {"memory", spec.memory},
           {"shared_memory", spec.shared_memory},
           {"rdma_resource", spec.rdma_resource},
           {"ipc_lock", spec.ipc_lock},
           {"node_selector", spec.node_selector},
           {"tolerations", spec.tolerations},
           {"priority_class", spec.priority_class},
           {"queue", spec.queue},
           {"gang", spec.gang},
           {"suspend", spec.suspend},
           {"clean_pods", spec.clean_pods},
           {"env", spec.env},
           {"secrets", spec.secrets},
           {"service_account", spec.service_account},
           {"volumes", spec.volumes}};
  put(value, "ttl_seconds", spec.ttl_seconds);
  put(value, "deadline_seconds", spec.deadline_seconds);
  put(value, "fetch", spec.fetch);
}

void from_json(const json& value, KubernetesSpec& spec) {
  take(value, "namespace", spec.name_space);
  take(value, "image", spec.image);
  take(value, "image_pull_policy", spec.image_pull_policy);
  take(value, "image_pull_secrets", spec.image_pull_secrets);
  take(value, "workers", spec.workers);
  take(value, "gpus_per_worker", spec.gpus_per_worker);
  take(value, "gpu_resource", spec.gpu_resource);
  take(value, "slots_per_worker", spec.slots_per_worker);
  take(value, "cpus", spec.cpus);
  take(value, "memory", spec.memory);
  take(value, "shared_memory", spec.shared_memory);
  take(value, "rdma_resource", spec.rdma_resource);
  take(value, "ipc_lock", spec.ipc_lock);
  take(value, "node_selector", spec.node_selector);
  take(value, "tolerations", spec.tolerations);
  take(value, "priority_class", spec.priority_class);
  take(value, "queue", spec.queue);
  take(value, "gang", spec.gang);
  take(value, "ttl_seconds", spec.ttl_seconds);
  take(value, "deadline_seconds", spec.deadline_seconds);
  take(value, "suspend", spec.suspend);
  take(value, "clean_pods", spec.clean_pods);
  take(value, "env", spec.env);
  take(value, "secrets", spec.secrets);
  take(value, "service_account", spec.service_account);
  take(value, "fetch", spec.fetch);
  take(value, "volumes", spec.volumes);
}

}  // namespace ringtrain
