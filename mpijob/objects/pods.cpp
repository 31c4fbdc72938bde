// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/pods.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "mpijob/objects/own_image.hpp"
#include "mpijob/objects/render.hpp"
#include "mpijob/objects/volumes.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

constexpr int kImageUser = 1000;  // mpiuser of the image
constexpr int kSshPort = 2222;

const KubernetesSpec& kubernetes_of(const JobSpec& job) {
  static const KubernetesSpec defaults;
  return job.kubernetes ? *job.kubernetes : defaults;
}

// Passes the Pod Security standard "restricted"; hostPath volumes alone do not.
ordered_json container_security(const JobSpec& job, bool ipc_lock) {
  ordered_json capabilities = {{"drop", {"ALL"}}};
  if (ipc_lock) capabilities["add"] = {"IPC_LOCK"};
  ordered_json security = {{"runAsNonRoot", true}, {"runAsUser", kImageUser}};
  if (job.script) security["runAsGroup"] = kImageUser;  // another image may not know the user
  security["allowPrivilegeEscalation"] = false;
  security["capabilities"] = std::move(capabilities);
  security["seccompProfile"] = {{"type", "RuntimeDefault"}};
  return security;
}

ordered_json container(const KubernetesSpec& spec, const char* name, const std::string& image) {
  ordered_json result = {{"name", name}, {"image", image}};
  if (spec.image_pull_policy != "auto") result["imagePullPolicy"] = spec.image_pull_policy;
  return result;
}

ordered_json pod_spec(const KubernetesSpec& spec, const std::string& service_account) {
  ordered_json pod = {{"serviceAccountName", service_account},
                      {"automountServiceAccountToken", false},
                      {"enableServiceLinks", false}};
  for (const std::string& name : spec.image_pull_secrets) {
    pod["imagePullSecrets"].push_back({{"name", name}});
  }
  if (!spec.priority_class.empty()) pod["priorityClassName"] = spec.priority_class;
  return pod;
}

ordered_json job_volume(const JobSpec& job) {
  return {{"name", "job"}, {"configMap", {{"name", job.name + "-job"}}}};
}

ordered_json job_mount() {
  return {{"name", "job"},
          {"mountPath", std::filesystem::path(kJobFileInPods).parent_path().string()},
          {"readOnly", true}};
}

struct Mounts {
  ordered_json volumes = ordered_json::array();
  ordered_json mounts = ordered_json::array();
};

// Returns a worker's volumes: the job file, shared memory, data and secrets.
Mounts worker_mounts(const JobSpec& job) {
  const KubernetesSpec& spec = kubernetes_of(job);
  Mounts result;
  result.volumes.push_back(job_volume(job));
  result.mounts.push_back(job_mount());
  result.volumes.push_back(
      {{"name", "shm"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", spec.shared_memory}}}});
  result.mounts.push_back({{"name", "shm"}, {"mountPath", "/dev/shm"}});
  add_data_volumes(spec, result.volumes, result.mounts);
  return result;
}

// Returns "2", or thousandths such as "1500m" where the number is not whole.
std::string cpu_quantity(double cpus) {
  if (cpus == std::floor(cpus)) return fmt::format("{:.0f}", cpus);
  return fmt::format("{:.0f}m", std::ceil(cpus * 1000));
}

ordered_json worker_resources(const KubernetesSpec& spec) {
  ordered_json amounts = ordered_json::object();
  if (spec.cpus > 0) amounts["cpu"] = cpu_quantity(spec.cpus);
  if (!spec.memory.empty()) amounts["memory"] = spec.memory;
  if (spec.gpus_per_worker > 0) {
    amounts[spec.gpu_resource] = std::to_string(spec.gpus_per_worker);
  }
  if (!spec.rdma_resource.empty()) amounts[spec.rdma_resource] = "1";
  if (amounts.empty()) return amounts;
  return {{"requests", amounts}, {"limits", amounts}};
}

ordered_json toleration(const TolerationSpec& spec) {
  ordered_json result = ordered_json::object();
  if (!spec.key.empty()) result["key"] = spec.key;
  if (!spec.operation.empty()) result["operator"] = spec.operation;
  if (!spec.value.empty()) result["value"] = spec.value;
  if (!spec.effect.empty()) result["effect"] = spec.effect;
  if (spec.seconds) result["tolerationSeconds"] = *spec.seconds;
  return result;
}

// Chooses a pod's nodes, and the group that its volumes' files get, so that the user may write
// there.
void place(const KubernetesSpec& spec, ordered_json& pod) {
  pod["securityContext"] = {{"fsGroup", kImageUser}, {"fsGroupChangePolicy", "OnRootMismatch"}};
  if (!spec.node_selector.empty()) pod["nodeSelector"] = spec.node_selector;
  for (const TolerationSpec& item : spec.tolerations) {
    pod["tolerations"].push_back(toleration(item));
  }
}

// Kubernetes gives no directory of a node another group, so that only root may write there.
bool has_node_directory(const KubernetesSpec& spec) {
  return std::any_of(spec.volumes.begin(), spec.volumes.end(), [](const VolumeSpec& volume) {
    return volume.source == VolumeSpec::Source::host_path;
  });
}

// Returns the init container that brings the tree, without its mounts.
ordered_json tree_container(const JobSpec& job) {
  const KubernetesSpec& spec = kubernetes_of(job);
  ordered_json init = container(spec, "ringtrain", spec.ringtrain_image);
  init["resources"] = {{"requests", {{"cpu", "100m"}, {"memory", "128Mi"}}},
                       {"limits", {{"cpu", "1"}, {"memory", "512Mi"}}}};
  init["securityContext"] = container_security(job, false);
  return init;
}

}  // namespace

ordered_json launcher_template(const JobSpec& job, const std::string& service_account) {
  const KubernetesSpec& spec = kubernetes_of(job);
  ordered_json launcher = container(spec, "launcher", spec.image);
  // Without --hostfile Open MPI 5 would put every rank into the launcher's pod.
  launcher["command"] = {"ringtrain",         "run",     kJobFileInPods, "--hostfile",
                         "/etc/mpi/hostfile", "--events"};
  if (job.script) launcher["command"] = own_image_launcher(job);
  ordered_json variables = ordered_json::array();
  std::string names;
  for (const auto& [name, value] : spec.env) {
    variables.push_back({{"name", name}, {"value", value}});
    names += (names.empty() ? "" : ",") + name;
  }
  // A rank sees the number of its node's cores, not of its pod's.
  if (spec.cpus > 0 && !spec.env.contains("OMP_NUM_THREADS")) {
    const int threads = std::max(1, static_cast<int>(spec.cpus / spec.slots()));
    variables.push_back({{"name", "OMP_NUM_THREADS"}, {"value", std::to_string(threads)}});
  }
  // sshd gives ranks no variable of their pod; ringtrain run passes these on with mpirun -x.
  if (!names.empty()) variables.push_back({{"name", "RINGTRAIN_EXPORT"}, {"value", names}});
  if (!variables.empty()) launcher["env"] = std::move(variables);
  launcher["resources"] = {{"requests", {{"cpu", "100m"}, {"memory", "128Mi"}}},
                           {"limits", {{"cpu", "1"}, {"memory", "512Mi"}}}};
  // A failed launcher's last line names the cause: this puts it into the pod's status.
  launcher["terminationMessagePolicy"] = "FallbackToLogsOnError";
  launcher["securityContext"] = container_security(job, false);
  launcher["volumeMounts"] = {job_mount()};

  ordered_json pod = pod_spec(spec, service_account);
  pod["containers"] = ordered_json::array({std::move(launcher)});
  pod["volumes"] = ordered_json::array({job_volume(job)});
  if (job.script) add_tree(tree_container(job), pod);
  return {{"spec", std::move(pod)}};
}

ordered_json worker_template(const JobSpec& job, const std::string& service_account) {
  const KubernetesSpec& spec = kubernetes_of(job);
  Mounts mounts = worker_mounts(job);

  ordered_json worker = container(spec, "worker", spec.image);
  worker["command"] = {job.script ? kOwnImageWorker : "ringtrain-pod"};
  worker["ports"] =
      ordered_json::array({{{"name", "ssh"}, {"containerPort", kSshPort}, {"protocol", "TCP"}}});
  worker["readinessProbe"] = {{"tcpSocket", {{"port", kSshPort}}}, {"periodSeconds", 1}};
  if (ordered_json resources = worker_resources(spec); !resources.empty()) {
    worker["resources"] = std::move(resources);
  }
  worker["terminationMessagePolicy"] = "FallbackToLogsOnError";
  worker["securityContext"] = container_security(job, spec.ipc_lock);
  worker["volumeMounts"] = mounts.mounts;

  ordered_json pod = pod_spec(spec, service_account);
  place(spec, pod);
  pod["topologySpreadConstraints"] =
      ordered_json::array({{{"maxSkew", 1},
                            {"topologyKey", "kubernetes.io/hostname"},
                            {"whenUnsatisfiable", "ScheduleAnyway"},
                            {"labelSelector",
                             {{"matchLabels",
                               {{"training.kubeflow.org/job-name", job.name},
                                {"training.kubeflow.org/job-role", "worker"}}}}}}});
  if (spec.fetch) {
    ordered_json fetch = container(spec, "fetch", job.script ? spec.ringtrain_image : spec.image);
    fetch["command"] = {"ringtrain-fetch", spec.fetch->to};
    for (const std::string& from : spec.fetch->from) fetch["command"].push_back(from);
    fetch["terminationMessagePolicy"] = "FallbackToLogsOnError";
    fetch["securityContext"] = container_security(job, false);
    fetch["volumeMounts"] = mounts.mounts;
    if (worker.contains("resources")) fetch["resources"] = worker["resources"];
    pod["initContainers"] = ordered_json::array({std::move(fetch)});
  }
  pod["containers"] = ordered_json::array({std::move(worker)});
  pod["volumes"] = std::move(mounts.volumes);
  if (job.script) add_tree(tree_container(job), pod);
  return {{"spec", std::move(pod)}};
}

ordered_json step_template(const JobSpec& job, const StepContainer& step) {
  KubernetesSpec spec = kubernetes_of(job);
  ordered_json container = {{"name", step.name},
                            {"image", step.image.empty() ? spec.image : step.image}};
  const std::string policy = step.image.empty() ? spec.image_pull_policy : step.pull_policy;
  if (policy != "auto") container["imagePullPolicy"] = policy;
  if (!step.command.empty()) container["command"] = step.command;
  for (const auto& [name, value] : step.env) {
    container["env"].push_back({{"name", name}, {"value", value}});
  }
  spec.gpus_per_worker = 0;
  spec.rdma_resource.clear();
  if (ordered_json resources = worker_resources(spec); !resources.empty()) {
    container["resources"] = std::move(resources);
  }
  container["terminationMessagePolicy"] = "FallbackToLogsOnError";
  if (step.image.empty()) {
    container["securityContext"] = container_security(job, false);
    if (has_node_directory(spec)) {
      container["securityContext"] = {{"runAsUser", 0}, {"allowPrivilegeEscalation", false}};
    }
  }
  Mounts data;
  add_data_volumes(spec, data.volumes, data.mounts);
  container["volumeMounts"] = std::move(data.mounts);

  ordered_json pod = pod_spec(spec, "default");
  if (!spec.service_account.empty()) pod["serviceAccountName"] = spec.service_account;
  place(spec, pod);
  pod["restartPolicy"] = "Never";
  pod["containers"] = ordered_json::array({std::move(container)});
  pod["volumes"] = std::move(data.volumes);
  return {{"spec", std::move(pod)}};
}

}  // namespace ringtrain::mpijob
