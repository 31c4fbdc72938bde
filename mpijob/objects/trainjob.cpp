// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/trainjob.hpp"

#include <utility>

#include "mpijob/objects/pods.hpp"
#include "mpijob/objects/render.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

constexpr const char* kApi = "trainer.kubeflow.org/v1alpha1";
// Labels that JobSet gives the pods.
constexpr const char* kJobSetName = "jobset.sigs.k8s.io/jobset-name";
constexpr const char* kReplicatedJob = "jobset.sigs.k8s.io/replicatedjob-name";

std::string runtime_name(const JobSpec& job) { return "ringtrain-" + job.name; }

// The controller mounts keys and hostfile into containers of this name alone.
ordered_json pod_of(ordered_json pod_template, const char* restart_policy) {
  ordered_json& pod = pod_template["spec"];
  pod["containers"][0]["name"] = "node";
  pod["restartPolicy"] = restart_policy;
  return pod_template;
}

ordered_json nodes(const JobSpec& job, const std::string& service_account) {
  ordered_json pod = pod_of(worker_template(job, service_account), "OnFailure");
  pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] = {
      {kJobSetName, job.name}, {kReplicatedJob, "node"}};
  return {{"name", "node"}, {"template", {{"spec", {{"template", std::move(pod)}}}}}};
}

ordered_json launcher(const JobSpec& job, const std::string& service_account) {
  return {
      {"name", "launcher"},
      {"dependsOn", ordered_json::array({{{"name", "node"}, {"status", "Ready"}}})},
      {"template",
       {{"metadata", {{"labels", {{"trainer.kubeflow.org/trainjob-ancestor-step", "trainer"}}}}},
        {"spec",
         {{"backoffLimit", job.restarts},
          {"template", pod_of(launcher_template(job, service_account), "Never")}}}}}};
}

}  // namespace

ordered_json training_runtime(const JobSpec& job, const std::string& service_account) {
  const KubernetesSpec spec = job.kubernetes.value_or(KubernetesSpec{});
  ordered_json meta = object_metadata(job, spec, runtime_name(job));
  meta.erase("namespace");  // of the whole cluster
  meta["labels"]["trainer.kubeflow.org/framework"] = "ringtrain";
  return {{"apiVersion", kApi},
          {"kind", "ClusterTrainingRuntime"},
          {"metadata", std::move(meta)},
          {"spec",
           {{"mlPolicy",
             {{"numNodes", spec.workers},
              {"mpi",
               {{"numProcPerNode", spec.slots()},
                {"mpiImplementation", "OpenMPI"},
                {"sshAuthMountPath", "/home/mpiuser/.ssh"},
                {"runLauncherAsNode", false}}}}},
            {"template",
             {{"spec",
               {{"network", {{"publishNotReadyAddresses", true}}},
                {"successPolicy", {{"operator", "All"}, {"targetReplicatedJobs", {"launcher"}}}},
                {"replicatedJobs", ordered_json::array({nodes(job, service_account),
                                                        launcher(job, service_account)})}}}}}}}};
}

ordered_json trainjob(const JobSpec& job) {
  const KubernetesSpec spec = job.kubernetes.value_or(KubernetesSpec{});
  ordered_json meta = object_metadata(job, spec, job.name);
  if (!spec.queue.empty()) meta["labels"]["kueue.x-k8s.io/queue-name"] = spec.queue;
  ordered_json content = {
      {"runtimeRef", {{"name", runtime_name(job)}}},
      {"trainer", {{"numNodes", spec.workers}, {"numProcPerNode", spec.slots()}}}};
  if (spec.suspend) content["suspend"] = true;
  return {{"apiVersion", kApi},
          {"kind", "TrainJob"},
          {"metadata", std::move(meta)},
          {"spec", std::move(content)}};
}

}  // namespace ringtrain::mpijob
