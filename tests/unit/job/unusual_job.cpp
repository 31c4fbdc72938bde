// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/job/unusual_job.hpp"

namespace ringtrain {
namespace {

KubernetesSpec unusual_kubernetes() {
  KubernetesSpec spec;
  spec.name_space = "team";
  spec.image = "registry/ringtrain:1";
  spec.ringtrain_image = "registry/ringtrain:2";
  spec.image_pull_policy = "Always";
  spec.image_pull_secrets = {"registry"};
  spec.workers = 3;
  spec.gpus_per_worker = 4;
  spec.gpu_resource = "nvidia.com/mig-1g.5gb";
  spec.slots_per_worker = 2;
  spec.cpus = 7.5;
  spec.memory = "64Gi";
  spec.shared_memory = "8Gi";
  spec.rdma_resource = "rdma/ib";
  spec.ipc_lock = true;
  spec.node_selector = {{"pool", "gpu"}};
  spec.tolerations = {{"gpu", "Equal", "yes", "NoExecute", 30}};
  spec.priority_class = "high";
  spec.queue = "lq";
  spec.gang = KubernetesSpec::Gang::scheduler_plugins;
  spec.ttl_seconds = 60;
  spec.deadline_seconds = 3600;
  spec.suspend = true;
  spec.clean_pods = KubernetesSpec::CleanPods::none;
  spec.env = {{"NCCL_DEBUG", "INFO"}};
  spec.secrets = {{"s3", "/etc/s3"}};
  spec.service_account = "trainer";
  spec.fetch = FetchSpec{{"https://host/a.h5"}, "/scratch"};
  VolumeSpec volume;
  volume.mount = "/a";
  volume.read_only = true;
  volume.sub_path = "x";
  volume.source = VolumeSpec::Source::claim;
  volume.claim = "mnist";
  spec.volumes.push_back(volume);
  VolumeSpec nfs;
  nfs.mount = "/b";
  nfs.source = VolumeSpec::Source::nfs;
  nfs.server = "host";
  nfs.path = "/export";
  spec.volumes.push_back(nfs);
  VolumeSpec memory;
  memory.mount = "/c";
  memory.size = "1Gi";
  memory.memory = true;
  spec.volumes.push_back(memory);
  VolumeSpec ephemeral;
  ephemeral.mount = "/d";
  ephemeral.source = VolumeSpec::Source::ephemeral;
  ephemeral.size = "10Gi";
  ephemeral.storage_class = "fast";
  spec.volumes.push_back(ephemeral);
  VolumeSpec host;
  host.mount = "/e";
  host.source = VolumeSpec::Source::host_path;
  host.path = "/srv";
  spec.volumes.push_back(host);
  return spec;
}

}  // namespace

JobSpec unusual_job() {
  JobSpec job;
  job.name = "odd";
  job.model = "models/x.pt";
  job.hidden = {7, 9};
  job.stem = JobSpec::Stem::large;
  job.dataset = "d.h5";
  job.dataset_cache = {0.5, "/scratch"};
  job.samples = 5000;
  job.epochs = 9;
  job.max_steps = 77;
  job.stop_at = {0.99, 0.25};
  job.batch_size = 96;
  job.accumulate = 3;
  job.seed = 9007199254740991;
  job.precision = JobSpec::Precision::bf16;
  job.deterministic = true;
  job.device = JobSpec::Device::cuda;
  job.cuda_graph = false;
  job.optimizer = {OptimizerSpec::Type::lars, 1.0 / 3, 0.7, true, 1e-4, 0.8, 0.95, 1e-6, 0.02};
  job.schedule = {ScheduleSpec::Type::step, 0.1, {1.5, 2}, 0.3, 0.01};
  job.augment = {0, true, 0.3, 1.5, 0.4, 0.5, 0.6, 0.1};
  job.communication = {CommunicationSpec::Backend::nccl,
                       CommunicationSpec::Algorithm::ring,
                       0.7,
                       CommunicationSpec::Wire::bf16,
                       5,
                       true,
                       12.5};
  job.checkpoint = {3, 100, 60.5, 5, "runs/old/checkpoints/7"};
  job.rollback = {2.5, 20, 7};
  job.initialize_from = "runs/old/model.safetensors";
  job.loss = JobSpec::Loss::huber;
  job.label_smoothing = 0.1;
  job.clip_norm = 1.1;
  job.max_skipped_steps = 2;
  job.evaluate_every_epochs = 4;
  job.output = "out/put";
  job.workers = {2, 8};
  job.elastic = JobSpec::Elastic::throughput;
  job.restarts = 1;
  job.trace = true;
  job.script = ScriptSpec{.kind = ScriptSpec::Kind::module,
                          .target = "package.train",
                          .args = {"--lr", "0.1"},
                          .python = "venv/bin/python",
                          .directory = "/app",
                          .env = {{"NCCL_DEBUG", "INFO"}},
                          .checkpoint = "ckpt/*.pt",
                          .restart_failures = true,
                          .silence_seconds = 5.5,
                          .hang_timeout_seconds = 60};
  job.kubernetes = unusual_kubernetes();
  return job;
}

}  // namespace ringtrain
