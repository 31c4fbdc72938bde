// SPDX-License-Identifier: Apache-2.0
// The job file's group `kubernetes`, by which mpijob/objects/render.hpp makes an MPIJob;
// keys/kubernetes_keys.cpp describes its keys. Sizes are Kubernetes' quantities ("64Gi"); a text
// that is empty stands for a key that was left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain {

struct VolumeSpec {
  enum class Source { claim, host_path, nfs, empty_dir, ephemeral };
  std::string mount;  // inside the pods
  bool read_only = false;
  std::string sub_path;
  Source source = Source::empty_dir;
  std::string claim;          // claim: its name
  std::string path;           // host_path, nfs
  std::string server;         // nfs
  std::string size;           // empty_dir, ephemeral
  bool memory = false;        // empty_dir: in memory
  std::string storage_class;  // ephemeral
  bool operator==(const VolumeSpec&) const = default;
};

struct TolerationSpec {
  std::string key;
  std::string operation;  // "operator" in the file: Equal, Exists
  std::string value;
  std::string effect;
  std::optional<int64_t> seconds;
  bool operator==(const TolerationSpec&) const = default;
};

struct SecretSpec {
  std::string secret;
  std::string mount;  // a directory with a file for each of its keys
  bool operator==(const SecretSpec&) const = default;
};

// Files that each worker copies into a volume of its own before it starts.
struct FetchSpec {
  std::vector<std::string> from;  // http(s) addresses or paths
  std::string to;                 // a directory; the files keep their names
  bool operator==(const FetchSpec&) const = default;
};

struct KubernetesSpec {
  enum class Gang { none, volcano, scheduler_plugins };
  enum class CleanPods { running, all, none };

  std::string name_space;  // "namespace" in the file
  std::string image = "ringtrain:latest";
  std::string ringtrain_image = "ringtrain:latest";  // script: brings the launcher beside `image`
  std::string image_pull_policy = "auto";
  std::vector<std::string> image_pull_secrets;
  int workers = 1;
  int gpus_per_worker = 0;
  std::string gpu_resource = "nvidia.com/gpu";
  int slots_per_worker = 0;  // 0: one for each GPU, or one
  double cpus = 0;           // 0: as the namespace says
  std::string memory;
  std::string shared_memory = "1Gi";
  std::string rdma_resource;
  bool ipc_lock = false;
  std::map<std::string, std::string> node_selector;
  std::vector<TolerationSpec> tolerations;
  std::string priority_class;
  std::string queue;
  Gang gang = Gang::none;
  std::optional<int64_t> ttl_seconds;
  std::optional<int64_t> deadline_seconds;
  bool suspend = false;
  CleanPods clean_pods = CleanPods::running;
  std::map<std::string, std::string> env;
  std::vector<SecretSpec> secrets;
  std::string service_account;
  std::optional<FetchSpec> fetch;
  std::vector<VolumeSpec> volumes;
  bool operator==(const KubernetesSpec&) const = default;

  // Ranks of one worker pod.
  int slots() const {
    if (slots_per_worker > 0) return slots_per_worker;
    return gpus_per_worker > 0 ? gpus_per_worker : 1;
  }
};

}  // namespace ringtrain
