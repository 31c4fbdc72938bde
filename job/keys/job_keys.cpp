// SPDX-License-Identifier: Apache-2.0
#include "job/keys/job_keys.hpp"

#include "job/choice_names.hpp"
#include "job/keys/data_keys.hpp"
#include "job/keys/kubernetes_keys.hpp"
#include "job/keys/optimizer_keys.hpp"
#include "job/keys/script_keys.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

KeyGroup<CommunicationSpec> communication_keys() {
  using T = CommunicationSpec;
  KeyGroup<T> group;
  group.choice(
      "backend", &T::backend,
      {{T::Backend::automatic, "auto"},
       {T::Backend::shared_memory, "shared_memory"},
       {T::Backend::mpi, "mpi"},
       {T::Backend::nccl, "nccl"},
       {T::Backend::none, "none"}},
      "auto takes nccl for GPUs, shared_memory inside a node and mpi between nodes. none lets "
      "every rank train alone, to measure what averaging costs.");
  group.choice("algorithm", &T::algorithm,
               {{T::Algorithm::automatic, "auto"},
                {T::Algorithm::direct, "direct"},
                {T::Algorithm::ring, "ring"}},
               "auto measures at the start and takes the faster one.",
               {.idle = {"communication.backend", {"none", "shared_memory"}}});
  group.key(
      "bucket_mib", &T::bucket_mib,
      "Gradients are averaged in pieces of about this size while backward continues. 0: 25 on "
      "GPUs, where a piece costs a wait, else 4.",
      {.min = 0, .max = 1024, .idle = {"communication.backend", {"none"}}});
  group.choice("wire", &T::wire, {{T::Wire::fp32, "fp32"}, {T::Wire::bf16, "bf16"}},
               "The type of gradients in transit; bf16 halves the bytes, sums are in fp32.",
               {.idle = {"communication.backend", {"none"}}});
  group.key(
      "sync_every", &T::sync_every,
      "More than 1: ranks step on their own and average parameters every so many steps (local "
      "SGD).",
      {.min = 1, .max = 1000000, .idle = {"communication.backend", {"none"}}});
  group.key("shard_optimizer", &T::shard_optimizer,
            "Each rank keeps only its share of the optimizer's state (ZeRO stage 1).",
            {.idle = {"communication.backend", {"none"}}});
  group.key("timeout_seconds", &T::timeout_seconds, "A collective that takes longer ends the job.",
            {.above = 0, .max = 86400});
  group.example("backend: auto");
  return group;
}

KeyGroup<CheckpointSpec> checkpoint_keys() {
  using T = CheckpointSpec;
  KeyGroup<T> group;
  group.key("every_epochs", &T::every_epochs, "0: not by epochs.", {.min = 0, .max = 1000000});
  group.key("every_steps", &T::every_steps, "0: not by steps.", {.min = 0, .max = 1000000000000});
  group.key("every_seconds", &T::every_seconds, "0: not by time.", {.min = 0, .max = 31536000});
  group.key("keep", &T::keep,
            "How many of the newest checkpoints stay, and beside them the one with the best test "
            "accuracy, or the lowest test loss where there is no accuracy.",
            {.min = 1, .max = 1000000});
  group.key("resume", &T::resume,
            "auto resumes from the newest good checkpoint below output, never starts anew, a path "
            "resumes from that checkpoint (or from the newest good one in that folder).",
            {.min_length = 1, .max_length = 4096});
  group.example("every_epochs: 1, keep: 2");
  return group;
}

KeyGroup<RollbackSpec> rollback_keys() {
  using T = RollbackSpec;
  KeyGroup<T> group;
  group.key(
      "factor", &T::factor,
      "A step whose loss is above this many times the median of the last steps is a spike. 0: "
      "never.",
      {.min = 0, .max = 1e30});
  group.key("window", &T::window,
            "How many steps the median is taken over; none is a spike before there are as many.",
            {.min = 3, .max = 100000, .idle = {"rollback.factor", {0}}});
  group.key("limit", &T::limit,
            "More rollbacks than this, without a window of good steps between them, end the job.",
            {.min = 1, .max = 1000000, .idle = {"rollback.factor", {0}}});
  group.example("factor: 3");
  return group;
}

KeyGroup<WorkersSpec> workers_keys() {
  using T = WorkersSpec;
  KeyGroup<T> group;
  group.key("min", &T::min, "The fewest ranks to continue with.", {.min = 0, .max = 65536});
  group.key("max", &T::max, "The most ranks to use.", {.min = 0, .max = 65536});
  group.example("min: 2, max: 4");
  return group;
}

KeyGroup<StopAtSpec> stop_at_keys() {
  using T = StopAtSpec;
  KeyGroup<T> group;
  group.key("test_accuracy", &T::test_accuracy, "At least this share of the test part is right.",
            {.above = 0, .max = 1});
  group.key("test_loss", &T::test_loss, "The loss of the test part is at most this.",
            {.min = 0, .max = 1e30});
  group.example("test_accuracy: 0.99");
  return group;
}

void add_training_keys(KeyGroup<JobSpec>& group) {
  using T = JobSpec;
  group.key(
      "name", &T::name,
      "The job's name in logs, results and Kubernetes: letters, digits, '.', '_' and '-', at most "
      "63. Left out: the job file's own name without its ending.",
      {.max_length = 63, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$", .on_resume = OnResume::silent});
  group.key("model", &T::model,
            "A model of the zoo (" + zoo_model_list() +
                "), or the path of a TorchScript file: it holds a '/' or ends in .pt. It gets "
                "normalised floats [rows, channels, height, width], or int64 where the dataset "
                "holds whole numbers, and returns logits [rows, classes], or [rows, targets].",
            {.min_length = 1, .max_length = 4096, .required = true, .on_resume = OnResume::fixed});
  group.key("hidden", &T::hidden,
            "mlp alone: the widths of its hidden layers. Left out: [1024, 1024].",
            {.min = 1, .max = 1048576, .max_items = 64, .on_resume = OnResume::fixed});
  group.choice(
      "stem", &T::stem,
      {{T::Stem::automatic, "auto"}, {T::Stem::small, "small"}, {T::Stem::large, "large"}},
      "resnets alone: their first layers. small: a 3x3 convolution, as is usual for CIFAR; large: "
      "7x7 with stride 2, then pooling, as for ImageNet; auto: small up to 64 pixels a side.",
      {.on_resume = OnResume::fixed});
  group.key("dataset", &T::dataset,
            "An HDF5 file made by 'ringtrain dataset import', or a folder of its shards; or the "
            "URL of one: s3://BUCKET/KEY, https://HOST/PATH, s3://BUCKET/FOLDER/ for shards.",
            {.min_length = 1, .max_length = 4096, .required = true, .on_resume = OnResume::silent});
  group.key("samples", &T::samples,
            "Trains on the first so many training samples alone; they were shuffled at import. "
            "Left out: on all.",
            {.min = 1, .max = 1000000000000, .on_resume = OnResume::fixed});
  group.key("epochs", &T::epochs, "How many times every training sample is seen.",
            {.min = 1, .max = 1000000, .on_resume = OnResume::silent});
  group.key("max_steps", &T::max_steps,
            "Ends training after this many steps, where that is earlier than epochs says.",
            {.min = 1, .max = 1000000000000, .on_resume = OnResume::silent});
  group.group("stop_at", &T::stop_at,
              "Ends training after the first evaluation that is as good as one of these, and "
              "writes the model.",
              stop_at_keys(), OnResume::silent);
  group.key(
      "batch_size", &T::batch_size,
      "Samples of one step over all ranks together: the training run is the same on 1 rank or 64.",
      {.min = 1, .max = 16777216, .on_resume = OnResume::fixed});
  group.key(
      "accumulate", &T::accumulate,
      "Forward and backward passes of one step, each over batch_size / accumulate samples: for "
      "batches that do not fit the device.",
      {.min = 1, .max = 65536});
  group.key("seed", &T::seed,
            "Fixes the first weights, the order of the samples and their augmentation.",
            {.min = 0, .max = 9007199254740991, .on_resume = OnResume::fixed});
  group.choice(
      "precision", &T::precision, precision_names(),
      "The arithmetic of forward and backward; parameters and sums are fp32. tf32: factors of "
      "matrix products and convolutions are rounded to 10 bits of mantissa, on GPUs alone; bf16: "
      "bfloat16 where that is safe; auto: fp32 on CPUs, tf32 on GPUs.");
  group.key("deterministic", &T::deterministic,
            "On GPUs: a repeated run gives the same bits, by slower algorithms. On CPUs it always "
            "does.",
            {.idle = {"device", {"cpu"}}});
  group.choice("device", &T::device,
               {{T::Device::automatic, "auto"}, {T::Device::cpu, "cpu"}, {T::Device::cuda, "cuda"}},
               "auto takes a GPU when the build and the node have one.",
               {.on_resume = OnResume::silent});
  group.key(
      "cuda_graph", &T::cuda_graph,
      "On GPUs: forward and backward are recorded once as a CUDA graph and replayed, where the "
      "model allows it.",
      {.idle = {"device", {"cpu"}}});
}

void add_groups(KeyGroup<JobSpec>& group) {
  using T = JobSpec;
  group.group("dataset_cache", &T::dataset_cache,
              "The blocks of a dataset at a URL on the disk of each host. Ranks fetch only those "
              "that they need, before they need them.",
              dataset_cache_keys(), OnResume::silent);
  group.group("optimizer", &T::optimizer, "How gradients change parameters.", optimizer_keys());
  group.group("schedule", &T::schedule, "How the learning rate changes.", schedule_keys());
  group.group(
      "augment", &T::augment,
      "Changes to training images that keep their label, the same for a sample on any number of "
      "ranks.",
      augment_keys());
  group.group("communication", &T::communication, "How gradients are averaged over the ranks.",
              communication_keys(), OnResume::silent);
  group.group(
      "checkpoint", &T::checkpoint,
      "When the state is saved below output, and what a new start does with it. Beside these "
      "times: at the job's end, and on SIGUSR1, SIGUSR2 and SIGTERM.",
      checkpoint_keys(), OnResume::silent);
  group.group(
      "rollback", &T::rollback,
      "The reaction to a loss spike: the last checkpoint's parameters are restored, and training "
      "continues with the samples after.",
      rollback_keys(), OnResume::silent);
}

void add_run_keys(KeyGroup<JobSpec>& group) {
  using T = JobSpec;
  group.key(
      "initialize_from", &T::initialize_from,
      "A model.safetensors, or its URL, whose tensors are the first weights, as far as names and "
      "shapes fit: fine-tuning. A checkpoint to resume goes before it.",
      {.min_length = 1, .max_length = 4096, .on_resume = OnResume::silent});
  group.choice("loss", &T::loss, loss_names(),
               "cross_entropy for a dataset with labels of classes; mse, l1, huber (delta: one "
               "standard deviation) or bce_with_logits (targets from 0 to 1) for one with targets. "
               "auto: cross_entropy or mse.");
  group.key("label_smoothing", &T::label_smoothing,
            "cross_entropy: the share of a label's weight that is spread over all classes.",
            {.min = 0, .below = 1});
  group.key("clip_norm", &T::clip_norm,
            "Gradients whose global norm is above this are scaled down to it. 0: never.",
            {.min = 0, .max = 1e30});
  group.key(
      "max_skipped_steps", &T::max_skipped_steps,
      "A step whose gradients are not finite is skipped on every rank; this many of them in a row "
      "end the job.",
      {.min = 0, .max = 1000000, .on_resume = OnResume::silent});
  group.key("evaluate_every_epochs", &T::evaluate_every_epochs,
            "How often the whole test part is evaluated. 0: only at the end.",
            {.min = 0, .max = 1000000, .on_resume = OnResume::silent});
  group.key(
      "output", &T::output,
      "The directory of the model, result.json, history.jsonl and checkpoints, or of a script's "
      "logs; made when missing. Or s3://BUCKET/PREFIX, where a training job's files go while it "
      "trains. Left out: runs/ and the name.",
      {.min_length = 1, .max_length = 4096, .on_resume = OnResume::silent});
  group.group("workers", &T::workers, "How far an elastic run may shrink and grow. 0: as started.",
              workers_keys(), OnResume::silent);
  group.choice("elastic", &T::elastic,
               {{T::Elastic::off, "off"}, {T::Elastic::throughput, "throughput"}},
               "throughput: 'ringtrain server' changes the number of ranks between workers.min and "
               "workers.max at checkpoints, where that shortens the rest of the job; the result "
               "stays the same. It has no effect elsewhere.",
               {.on_resume = OnResume::silent});
  group.key("restarts", &T::restarts,
            "How often a failed run is started again without progress in between.",
            {.min = 0, .max = 1000000, .on_resume = OnResume::silent});
  group.key("trace", &T::trace, "Writes trace.json (Chrome and Perfetto) below output.",
            {.on_resume = OnResume::silent});
  group.group(
      "script", &T::script,
      "A PyTorch script, or any program, that every rank runs: the job has no model and no dataset "
      "then. The ranks find torchrun's variables (RANK, WORLD_SIZE, MASTER_ADDR and the like), and "
      "`output` in RINGTRAIN_OUTPUT.",
      script_keys(), OnResume::silent);
  group.group("kubernetes", &T::kubernetes,
              "Read by 'ringtrain render' and 'ringtrain submit' alone.", kubernetes_keys(),
              OnResume::silent);
}

KeyGroup<JobSpec> make_job_group() {
  KeyGroup<JobSpec> group;
  add_training_keys(group);
  add_groups(group);
  add_run_keys(group);
  group.none_beside("script", {"name", "output", "workers", "restarts", "script", "kubernetes"});
  group.example("model: lenet, dataset: data/mnist.h5");
  return group;
}

}  // namespace

const KeyGroup<JobSpec>& job_group() {
  static const KeyGroup<JobSpec> group = make_job_group();
  return group;
}

const Key& job_keys() {
  static const Key root = job_group().as_key(
      "",
      "Everything that one training job needs. Relative paths count from the directory in which "
      "the job is started, not from this file. Any key can be set from outside with --set "
      "key.sub=value.");
  return root;
}

}  // namespace ringtrain
