// SPDX-License-Identifier: Apache-2.0
#include "job/keys/kubernetes_keys.hpp"

namespace ringtrain {
namespace {

// Kubernetes' names of objects, and its quantities.
constexpr const char* kName = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
constexpr const char* kNameOrNone = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$";
constexpr const char* kQuantity = "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$";
constexpr const char* kQuantityOrNone = "^([0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?)?$";

KeyGroup<TolerationSpec> toleration_keys() {
  using T = TolerationSpec;
  KeyGroup<T> group;
  group.key("key", &T::key, "The taint's key. Left out: every one.", {.max_length = 317});
  group.key("operator", &T::operation, "Equal compares the value, Exists takes any.",
            {.one_of = {"Equal", "Exists"}});
  group.key("value", &T::value, "The taint's value.", {.max_length = 63});
  group.key("effect", &T::effect, "The taint's effect. Left out: every one.",
            {.one_of = {"NoSchedule", "PreferNoSchedule", "NoExecute"}});
  group.key("seconds", &T::seconds, "NoExecute alone: how long.", {.min = 0, .max = 31536000});
  group.example("key: gpu, effect: NoSchedule");
  return group;
}

KeyGroup<SecretSpec> secret_keys() {
  using T = SecretSpec;
  KeyGroup<T> group;
  group.key("secret", &T::secret, "The Secret's name.",
            {.max_length = 253, .pattern = kName, .required = true});
  group.key("mount", &T::mount, "The directory inside the pods.",
            {.max_length = 4096, .pattern = "^/", .required = true});
  group.example("secret: s3, mount: /etc/s3");
  return group;
}

KeyGroup<FetchSpec> fetch_keys() {
  using T = FetchSpec;
  KeyGroup<T> group;
  group.key("from", &T::from,
            "http and https addresses, or paths of a slower volume: a dataset, or its shards.",
            {.max_length = 4096, .pattern = "^(https?://|/)", .max_items = 4096, .required = true});
  group.key("to", &T::to, "A directory inside one of the volumes.",
            {.max_length = 4096, .pattern = "^/", .required = true});
  group.example("from: [https://host/mnist.h5], to: /scratch");
  return group;
}

KeyGroup<VolumeSpec> nfs_keys() {
  using T = VolumeSpec;
  KeyGroup<T> group;
  group.key("server", &T::server, "Its host.",
            {.min_length = 1, .max_length = 253, .required = true});
  group.key("path", &T::path, "Its path.", {.max_length = 4096, .pattern = "^/", .required = true});
  group.example("server: host, path: /export");
  return group;
}

KeyGroup<VolumeSpec> empty_dir_keys() {
  using T = VolumeSpec;
  KeyGroup<T> group;
  group.key("size", &T::size, "The most it may hold. Left out: what the node has.",
            {.max_length = 32, .pattern = kQuantity});
  group.key("memory", &T::memory, "Keeps it in memory.");
  group.example("size: 10Gi");
  return group;
}

KeyGroup<VolumeSpec> ephemeral_keys() {
  using T = VolumeSpec;
  KeyGroup<T> group;
  group.key("size", &T::size, "How large it is.",
            {.max_length = 32, .pattern = kQuantity, .required = true});
  group.key("storage_class", &T::storage_class, "Its class. Left out: the cluster's default.",
            {.min_length = 1, .max_length = 253});
  group.example("size: 10Gi");
  return group;
}

KeyGroup<VolumeSpec> volume_keys() {
  using T = VolumeSpec;
  using Source = T::Source;
  KeyGroup<T> group;
  group.key("mount", &T::mount, "The path inside the pods.",
            {.max_length = 4096, .pattern = "^/", .required = true});
  group.key("read_only", &T::read_only, "Nothing is written there.");
  group.key("sub_path", &T::sub_path, "A directory of the volume, in place of its root.",
            {.min_length = 1, .max_length = 4096});
  group.key("claim", &T::claim, "A PersistentVolumeClaim's name.",
            {.min_length = 1, .max_length = 253});
  group.selects(&T::source, Source::claim);
  group.key("host_path", &T::path, "A directory of the node.",
            {.max_length = 4096, .pattern = "^/"});
  group.selects(&T::source, Source::host_path);
  group.group("nfs", "An NFS export.", nfs_keys());
  group.selects(&T::source, Source::nfs);
  group.group("empty_dir", "A directory that lives as long as the pod: {}.", empty_dir_keys());
  group.selects(&T::source, Source::empty_dir);
  group.group("ephemeral", "A volume of a storage class that lives as long as the pod.",
              ephemeral_keys());
  group.selects(&T::source, Source::ephemeral);
  group.example("mount: /data, claim: mnist");
  return group;
}

void add_pod_keys(KeyGroup<KubernetesSpec>& group) {
  using T = KubernetesSpec;
  group.key("namespace", &T::name_space,
            "The namespace of the MPIJob. Left out: that of kubectl or of the current context.",
            {.max_length = 63, .pattern = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"});
  group.key("image", &T::image,
            "The container image, with ringtrain in it; of a script: your own, with Python and the "
            "script in it.",
            {.min_length = 1, .max_length = 1024});
  group.key("ringtrain_image", &T::ringtrain_image,
            "Scripts: the image from which an init container brings launcher, sshd and Open MPI "
            "beside your own image's programs.",
            {.min_length = 1, .max_length = 1024, .idle = {"script", {nullptr}}});
  group.key(
      "image_pull_policy", &T::image_pull_policy,
      "When a node pulls the image. auto leaves it to Kubernetes: Always for the tag latest, else "
      "IfNotPresent.",
      {.one_of = {"auto", "Always", "IfNotPresent", "Never"}});
  group.key("image_pull_secrets", &T::image_pull_secrets,
            "Names of Secrets with the registry's credentials.",
            {.max_length = 253, .pattern = kName, .max_items = 16});
  group.key("workers", &T::workers, "Worker pods.", {.min = 1, .max = 65536});
  group.key("gpus_per_worker", &T::gpus_per_worker, "GPUs of a worker pod, one rank each. 0: CPU.",
            {.min = 0, .max = 64});
  group.key("gpu_resource", &T::gpu_resource, "The cluster's name of a GPU, or of a slice of one.",
            {.max_length = 316,
             .pattern = "^[a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-A-Za-z0-9_.]*$",
             .idle = {"kubernetes.gpus_per_worker", {0}}});
  group.key("slots_per_worker", &T::slots_per_worker,
            "Ranks of a worker pod. 0: one for each GPU, or one where there is none.",
            {.min = 0, .max = 1024});
  group.key("cpus", &T::cpus,
            "Cores of a worker pod, as request and limit. 0: as the namespace says.",
            {.min = 0, .max = 65536});
  group.key("memory", &T::memory,
            "Memory of a worker pod, as request and limit: 64Gi. Left out: as the namespace says.",
            {.max_length = 32, .pattern = kQuantityOrNone});
  group.key("shared_memory", &T::shared_memory,
            "Size of /dev/shm in a worker pod, for the messages of Open MPI and NCCL between its "
            "ranks; counts as its memory. A container's own is 64 MiB.",
            {.max_length = 32, .pattern = kQuantity});
  group.key(
      "rdma_resource", &T::rdma_resource,
      "The cluster's name of an RDMA device, as rdma/ib: a worker pod gets one. Left out: none.",
      {.max_length = 316, .pattern = "^([a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-A-Za-z0-9_.]*)?$"});
  group.key(
      "ipc_lock", &T::ipc_lock,
      "Adds the capability IPC_LOCK, so that RDMA can pin memory; the node must also allow it to "
      "users (memlock).");
  group.key("node_selector", &T::node_selector, "Labels that a worker's node must have.",
            {.max_length = 63});
  group.list("tolerations", &T::tolerations, "Taints of a node that do not keep the workers away.",
             64, "One toleration.", toleration_keys());
}

void add_job_keys(KeyGroup<KubernetesSpec>& group) {
  using T = KubernetesSpec;
  group.key("priority_class", &T::priority_class, "The pods' PriorityClass.",
            {.max_length = 253, .pattern = kNameOrNone});
  group.key("queue", &T::queue,
            "The Kueue LocalQueue that admits the job; with gang: volcano, Volcano's queue.",
            {.max_length = 63, .pattern = kNameOrNone});
  group.choice(
      "gang", &T::gang,
      {{T::Gang::none, "none"},
       {T::Gang::volcano, "volcano"},
       {T::Gang::scheduler_plugins, "scheduler-plugins"}},
      "The scheduler that starts all workers or none, where the MPI operator was started with the "
      "same --gang-scheduling.");
  group.key("ttl_seconds", &T::ttl_seconds,
            "How long the launcher's Job stays after its end. Left out: until it is deleted.",
            {.min = 0, .max = 2147483647});
  group.key("deadline_seconds", &T::deadline_seconds,
            "A job that runs longer has failed. Left out: never.", {.min = 1, .max = 2147483647});
  group.key("suspend", &T::suspend,
            "Makes the job without starting it; 'ringtrain resume' starts it.");
  group.choice(
      "clean_pods", &T::clean_pods,
      {{T::CleanPods::running, "running"},
       {T::CleanPods::all, "all"},
       {T::CleanPods::none, "none"}},
      "Which worker pods are removed at the job's end: those still running, all, or none.");
  group.key("env", &T::env,
            "Environment variables of launcher and ranks. Not for secrets: use files.",
            {.max_length = 32768});
  group.list("secrets", &T::secrets, "Secrets that the pods see as files.", 64,
             "A Secret and where its files lie.", secret_keys());
  group.key("service_account", &T::service_account,
            "The pods' ServiceAccount. Left out: one of their own, without rights.",
            {.max_length = 253, .pattern = kNameOrNone});
  group.group(
      "fetch", &T::fetch,
      "Files that every worker copies, one after the other, into a volume of its own before it "
      "starts.",
      fetch_keys());
  group.list("volumes", &T::volumes, "Mounts of the pods: data to read and the place of output.",
             64, "A mount, and exactly one of claim, host_path, nfs, empty_dir and ephemeral",
             volume_keys());
}

}  // namespace

KeyGroup<KubernetesSpec> kubernetes_keys() {
  KeyGroup<KubernetesSpec> group;
  add_pod_keys(group);
  add_job_keys(group);
  group.example("image: registry/ringtrain, workers: 2");
  return group;
}

}  // namespace ringtrain
