// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/url.hpp"
#include "job/models.hpp"
#include "mpijob/objects/operator_rules.hpp"
#include "mpijob/objects/own_image.hpp"
#include "mpijob/objects/pods.hpp"
#include "mpijob/objects/trainjob.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

void check_name(const JobSpec& job, const KubernetesSpec& spec) {
  const std::string ending = fmt::format("-worker-{}", spec.workers - 1);
  if (is_dns_1035_label(job.name + ending)) return;
  throw job_error(fmt::format(
      "name: on Kubernetes it must be lower-case letters, digits and '-', start with a letter, and "
      "have at most {} characters for {} {}, found '{}': choose another with --set name=NAME",
      63 - ending.size(), spec.workers, spec.workers == 1 ? "worker" : "workers", job.name));
}

bool is_on(const std::filesystem::path& path, const VolumeSpec& volume) {
  const auto inside = path.lexically_normal().lexically_relative(volume.mount);
  return !inside.empty() && *inside.begin() != "..";
}

// A user cannot know the pods' working directory.
void check_absolute(const std::filesystem::path& path, const char* key) {
  if (path.is_absolute() || is_url(path)) return;
  throw job_error(fmt::format("{}: {} must be an absolute path on Kubernetes, as the pods see it",
                              key, path.string()));
}

void check_script(const ScriptSpec& script, const KubernetesSpec& spec) {
  if (spec.image == KubernetesSpec{}.image) {
    throw job_error(
        "kubernetes.image: is missing: name the image with the script and its Python in it");
  }
  if (!script.directory.empty()) check_absolute(script.directory, "script.directory");
}

void check_files(const JobSpec& job, const KubernetesSpec& spec) {
  if (job.script) {
    check_script(*job.script, spec);
    // Without a place of its own the output lies beside the tree, and goes with the pods.
    if (job.output.is_relative()) return;
  } else {
    check_absolute(job.dataset, "dataset");
    if (is_torchscript_path(job.model)) check_absolute(job.model, "model");
    check_absolute(job.output, "output");
  }
  if (is_url(job.output)) return;
  const bool kept = std::any_of(
      spec.volumes.begin(), spec.volumes.end(),
      [&](const VolumeSpec& volume) { return is_on(job.output, volume) && !volume.read_only; });
  if (!kept) {
    throw job_error(fmt::format(
        "output: {} is on no writable volume of kubernetes.volumes, so {} would be lost with its "
        "pod",
        job.output.string(), job.script ? "what the script writes" : "the model"));
  }
}

const char* clean_pod_policy(KubernetesSpec::CleanPods clean) {
  switch (clean) {
    case KubernetesSpec::CleanPods::running:
      return "Running";
    case KubernetesSpec::CleanPods::all:
      return "All";
    case KubernetesSpec::CleanPods::none:
      break;
  }
  return "None";
}

ordered_json run_policy(const JobSpec& job, const KubernetesSpec& spec) {
  ordered_json policy = {{"cleanPodPolicy", clean_pod_policy(spec.clean_pods)},
                         {"backoffLimit", job.restarts}};
  if (spec.ttl_seconds) policy["ttlSecondsAfterFinished"] = *spec.ttl_seconds;
  if (spec.deadline_seconds) policy["activeDeadlineSeconds"] = *spec.deadline_seconds;
  if (spec.suspend) policy["suspend"] = true;
  if (spec.gang != KubernetesSpec::Gang::none) {
    // The default counts the launcher, too, which is created only once the workers run.
    ordered_json scheduling = {{"minAvailable", spec.workers}};
    if (spec.gang == KubernetesSpec::Gang::volcano && !spec.queue.empty()) {
      scheduling["queue"] = spec.queue;
    }
    if (!spec.priority_class.empty()) scheduling["priorityClass"] = spec.priority_class;
    policy["schedulingPolicy"] = std::move(scheduling);
  }
  return policy;
}

ordered_json mpijob_object(const JobSpec& job, const KubernetesSpec& spec,
                           const std::string& service_account) {
  ordered_json meta = object_metadata(job, spec, job.name);
  if (spec.gang != KubernetesSpec::Gang::volcano && !spec.queue.empty()) {
    meta["labels"]["kueue.x-k8s.io/queue-name"] = spec.queue;
  }
  return {{"apiVersion", "kubeflow.org/v2beta1"},
          {"kind", "MPIJob"},
          {"metadata", std::move(meta)},
          {"spec",
           {{"slotsPerWorker", spec.slots()},
            {"launcherCreationPolicy", "WaitForWorkersReady"},
            {"sshAuthMountPath", "/home/mpiuser/.ssh"},
            {"runPolicy", run_policy(job, spec)},
            {"mpiReplicaSpecs",
             {{"Launcher",
               {{"replicas", 1},
                {"restartPolicy", "Never"},
                {"template", launcher_template(job, service_account)}}},
              {"Worker",
               {{"replicas", spec.workers},
                {"restartPolicy", "OnFailure"},
                {"template", worker_template(job, service_account)}}}}}}}};
}

ordered_json config_data(const JobSpec& job, const std::string& job_text) {
  ordered_json data = {{"job.yaml", job_text}};
  if (job.script) data.update(own_image_files());
  return data;
}

}  // namespace

ordered_json object_metadata(const JobSpec& job, const KubernetesSpec& spec,
                             const std::string& name) {
  ordered_json result = {{"name", name}};
  if (!spec.name_space.empty()) result["namespace"] = spec.name_space;
  result["labels"] = {{"app.kubernetes.io/name", "ringtrain"},
                      {"app.kubernetes.io/instance", job.name},
                      {"app.kubernetes.io/managed-by", "ringtrain"}};
  return result;
}

std::vector<ordered_json> render(const JobSpec& job, const std::string& job_text, RenderAs as) {
  const KubernetesSpec spec = job.kubernetes.value_or(KubernetesSpec{});
  check_name(job, spec);
  check_files(job, spec);
  if (as == RenderAs::trainjob && job.script) {
    throw job_error(
        "script: a TrainJob cannot run one: render an MPIJob of it, without --as trainjob");
  }

  std::vector<ordered_json> objects;
  const std::string account = spec.service_account.empty() ? job.name : spec.service_account;
  if (spec.service_account.empty()) {
    objects.push_back({{"apiVersion", "v1"},
                       {"kind", "ServiceAccount"},
                       {"metadata", object_metadata(job, spec, account)},
                       {"automountServiceAccountToken", false}});
  }
  objects.push_back({{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", object_metadata(job, spec, job.name + "-job")},
                     {"data", config_data(job, job_text)}});
  if (as == RenderAs::trainjob) {
    objects.push_back(training_runtime(job, account));
    objects.push_back(trainjob(job));
    return objects;
  }
  objects.push_back(mpijob_object(job, spec, account));

  if (const auto problems = broken_operator_rules(objects.back()); !problems.empty()) {
    throw job_error(fmt::format("the MPI operator would reject the job: {}", problems.front()));
  }
  return objects;
}

std::vector<ordered_json> render(const JobAndText& read, RenderAs as) {
  try {
    return render(read.job, read.text, as);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", read.file, error.what()));
  }
}

}  // namespace ringtrain::mpijob
