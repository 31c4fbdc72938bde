// SPDX-License-Identifier: Apache-2.0
// Everything that a job needs, read from one YAML file. keys/job_keys.cpp describes each key and
// its limits, parse.hpp reads and checks a file. No torch and no MPI here: the launcher uses it
// too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "job/kubernetes_spec.hpp"

namespace ringtrain {

struct OptimizerSpec {
  enum class Type { sgd, adamw, lars };
  Type type = Type::sgd;
  double learning_rate = 0.05;
  double momentum = 0.9;  // sgd and lars
  bool nesterov = false;  // sgd
  double weight_decay = 0;
  double beta1 = 0.9;     // adamw
  double beta2 = 0.999;   // adamw
  double epsilon = 1e-8;  // adamw, lars
  double trust = 0.001;   // lars: the trust coefficient (You et al. 2017, eta)
  bool operator==(const OptimizerSpec&) const = default;
};

struct ScheduleSpec {
  enum class Type { constant, step, cosine };
  Type type = Type::constant;
  double warmup_epochs = 0;        // linear from 0 to the learning rate
  std::vector<double> milestones;  // step: epochs, ascending, at which gamma multiplies the rate
  double gamma = 0.1;              // step
  double final_factor = 0;         // cosine: the last rate as a share of the learning rate
  bool operator==(const ScheduleSpec&) const = default;
};

struct AugmentSpec {
  // Pixels of zero padding on each side before a random crop to the sample's size.
  int crop_padding = 0;
  bool horizontal_flip = false;
  // A random crop that is resized to the sample's size; crop_scale 1: none.
  double crop_scale = 1;      // smallest share of the image's area
  double crop_aspect = 1.33;  // most of width / height, and of height / width
  // Most that colours change by; 0: not.
  double brightness = 0;  // a factor of 1 +- brightness, and so on
  double contrast = 0;
  double saturation = 0;
  double hue = 0;  // parts of the colour circle, either way
  bool resizes() const { return crop_scale < 1; }
  bool recolours() const { return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0; }
  bool operator==(const AugmentSpec&) const = default;
};

struct CommunicationSpec {
  // none: every rank trains alone on its slices, to measure what averaging costs the others.
  enum class Backend { automatic, shared_memory, mpi, nccl, none };
  enum class Algorithm { automatic, direct, ring };
  enum class Wire { fp32, bf16 };
  Backend backend = Backend::automatic;        // "auto" in the file
  Algorithm algorithm = Algorithm::automatic;  // "auto" in the file
  double bucket_mib = 0;                       // 0: 25 between GPUs, else 4
  Wire wire = Wire::fp32;
  int sync_every = 1;  // K > 1: local steps, parameters averaged every K steps (local SGD)
  bool shard_optimizer = false;  // ZeRO stage 1
  double timeout_seconds = 300;  // a collective that takes longer ends the job
  bool operator==(const CommunicationSpec&) const = default;
};

struct CheckpointSpec {
  int every_epochs = 1;      // 0: not by epochs
  int64_t every_steps = 0;   // 0: not by steps
  double every_seconds = 0;  // 0: not by time
  int keep = 2;
  std::string resume = "auto";  // auto, never, or a path
  bool operator==(const CheckpointSpec&) const = default;
};

struct RollbackSpec {
  double factor = 0;  // a step's loss above this many times the median is a spike; 0: never
  int window = 50;    // steps over which the median is taken
  int limit = 3;      // rollbacks without a window of good steps in between before the job fails
  bool operator==(const RollbackSpec&) const = default;
};

struct WorkersSpec {
  int min = 0;  // 0: as started
  int max = 0;
  bool operator==(const WorkersSpec&) const = default;
};

// A job that runs a program on every rank instead of training a model. Relative paths in it count
// from `directory`.
struct ScriptSpec {
  enum class Kind { file, module };
  Kind kind = Kind::file;
  std::string target;  // a file of Python (it ends in .py), a program, or a module
  std::vector<std::string> args;
  std::string python;               // empty: PYTHON_EXEC, else python3
  std::filesystem::path directory;  // empty: that in which the job is started
  std::map<std::string, std::string> env;
  std::string checkpoint;         // a pattern of files: a new one resets the count of restarts
  bool restart_failures = false;  // exceptions and exit codes, too
  double silence_seconds = 25;
  int hang_timeout_seconds = 0;  // 0: a hang is only named
  bool operator==(const ScriptSpec&) const = default;

  // Whether Python runs it.
  bool is_python() const { return kind == Kind::module || target.ends_with(".py"); }
  // Name to show: that of the file or module.
  std::string title() const {
    return kind == Kind::module ? target : std::filesystem::path(target).filename().string();
  }
};

// The blocks of a dataset at a URL that each host keeps on its disk.
struct DatasetCacheSpec {
  double gib = 8;
  std::filesystem::path folder;  // empty: TMPDIR, else /tmp
  bool operator==(const DatasetCacheSpec&) const = default;
};

// An evaluation that is as good as one of these ends the job.
struct StopAtSpec {
  std::optional<double> test_accuracy;  // at least; 0 to 1
  std::optional<double> test_loss;      // at most
  bool operator==(const StopAtSpec&) const = default;
};

struct JobSpec {
  enum class Precision { automatic, fp32, tf32, bf16 };
  enum class Device { automatic, cpu, cuda };
  enum class Stem { automatic, small, large };
  enum class Loss { automatic, cross_entropy, mse, l1, huber, bce_with_logits };
  enum class Elastic { off, throughput };

  std::string name;
  std::string model;               // a zoo name, or a path to a TorchScript file
  std::vector<int64_t> hidden;     // mlp: widths of the hidden layers; empty: 1024, 1024
  Stem stem = Stem::automatic;     // resnets: the first layers; automatic: by the samples' size
  std::filesystem::path dataset;   // a file, or a folder of shards; or the URL of either
  DatasetCacheSpec dataset_cache;  // for the URL of a dataset
  std::optional<int64_t> samples;  // trains on the first so many training samples; empty: all
  int64_t epochs = 1;
  std::optional<int64_t> max_steps;  // stops earlier than epochs
  StopAtSpec stop_at;                // the same
  int64_t batch_size = 128;          // global: over all ranks together
  int64_t accumulate = 1;  // backward passes per step: each takes batch_size / accumulate samples
  uint64_t seed = 1;
  Precision precision = Precision::automatic;  // "auto" in the file
  bool deterministic = false;                  // GPUs: repeated runs give the same bits
  Device device = Device::automatic;
  bool cuda_graph = true;  // GPUs: record forward and backward once, where the model allows it
  OptimizerSpec optimizer;
  ScheduleSpec schedule;
  AugmentSpec augment;
  CommunicationSpec communication;
  CheckpointSpec checkpoint;
  RollbackSpec rollback;
  std::filesystem::path initialize_from;  // a safetensors file of first weights, or its URL
  Loss loss = Loss::automatic;            // cross_entropy for labels of classes, mse for targets
  double label_smoothing = 0;
  double clip_norm = 0;  // global gradient norm above which gradients are scaled down; 0: never
  int64_t max_skipped_steps = 10;     // consecutive non-finite steps before the job fails
  int64_t evaluate_every_epochs = 1;  // 0: only at the end
  std::filesystem::path output;       // a folder, or a URL s3://BUCKET/PREFIX
  WorkersSpec workers;
  Elastic elastic = Elastic::off;  // for `ringtrain server` alone
  int restarts = 3;
  bool trace = false;
  std::optional<ScriptSpec> script;          // then there is no model and no dataset
  std::optional<KubernetesSpec> kubernetes;  // for render and submit alone
  bool operator==(const JobSpec&) const = default;
};

}  // namespace ringtrain
