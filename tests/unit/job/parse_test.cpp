// SPDX-License-Identifier: Apache-2.0
#include "job/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/job/refusal.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kMinimal = "model: lenet\ndataset: mnist.h5\n";  // NOLINT: as long as the program

JobSpec parsed(const std::string& more, const std::vector<std::string>& overrides = {}) {
  return parse_job_text(kMinimal + more, "f.yaml", overrides);
}

// The refusal of the minimal job with more lines: the first of them is line 3.
std::string refused(const std::string& more, const std::vector<std::string>& overrides = {}) {
  return refusal([&] { parsed(more, overrides); });
}

TEST(ParseJob, TakesTheDesignPagesExample) {
  const std::string text = R"(name: mnist-lenet
model: lenet                  # a zoo name, or a path to a TorchScript file
dataset: mnist.h5             # a file or a folder of shards
epochs: 3                     # or max_steps: N, to stop early
batch_size: 128               # global: the same training run on 1 rank or 64
seed: 1
precision: fp32               # or bf16
device: auto                  # cuda when the build and the node have it
optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9, weight_decay: 0.0005}
schedule: {type: cosine, warmup_epochs: 0.5}
augment: {crop_padding: 0, horizontal_flip: false}
communication: {backend: auto, algorithm: auto, bucket_mib: 4, wire: fp32}
checkpoint: {every_epochs: 1, keep: 2, resume: auto}
evaluate_every_epochs: 1
output: runs/mnist-lenet
workers: {min: 1, max: 8}     # how far an elastic run may shrink and grow; as started when left out
restarts: 3                   # without progress between them
kubernetes:                   # read by render and submit alone
  namespace: default
  image: ringtrain:latest
  workers: 2
  gpus_per_worker: 1
  volumes: [{mount: /data, claim: mnist}]   # or host_path: /data, nfs: {server, path}
)";
  const JobSpec job = parse_job_text(text, "job.yaml");
  JobSpec expected;
  expected.name = "mnist-lenet";
  expected.model = "lenet";
  expected.dataset = "mnist.h5";
  expected.epochs = 3;
  expected.precision = JobSpec::Precision::fp32;
  expected.optimizer.weight_decay = 0.0005;
  expected.communication.bucket_mib = 4;
  expected.schedule.type = ScheduleSpec::Type::cosine;
  expected.schedule.warmup_epochs = 0.5;
  expected.output = "runs/mnist-lenet";
  expected.workers = {1, 8};
  VolumeSpec data;
  data.mount = "/data";
  data.source = VolumeSpec::Source::claim;
  data.claim = "mnist";
  expected.kubernetes = KubernetesSpec{};
  expected.kubernetes->name_space = "default";
  expected.kubernetes->workers = 2;
  expected.kubernetes->gpus_per_worker = 1;
  expected.kubernetes->volumes = {data};
  EXPECT_EQ(job, expected);
}

TEST(ParseJob, FillsInNameAndOutput) {
  EXPECT_EQ(parse_job_text(kMinimal, "dir/my job!.yaml").name, "my-job-");
  EXPECT_EQ(parse_job_text(kMinimal, "dir/a.yaml").output, "runs/a");
  EXPECT_EQ(parse_job_text(kMinimal, "--.yaml").name, "job");
  EXPECT_EQ(parsed("name: b\n").output, "runs/b");
}

TEST(ParseJob, TakesZooNamesAndPathsAndNoOtherModel) {
  for (const std::string model : {"mlp", "lenet5", "lenet", "resnet18", "resnet34", "resnet50",
                                  "net.pt", "models/net", "./net"}) {
    EXPECT_EQ(parsed("", {"model=" + model}).model, model);
  }
  EXPECT_EQ(refusal([] { parse_job_text("dataset: d\nmodel: vgg\n", "f.yaml"); }),
            "f.yaml:2: model: must be one of mlp, lenet5, lenet, resnet18, resnet34, resnet50, or "
            "the path of a TorchScript file (with a '/' or ending in .pt), found 'vgg'");
}

TEST(ParseJob, RefusesAnUnknownKeyAndSaysWhichWasMeant) {
  EXPECT_EQ(refused("epoch: 3\n"), "f.yaml:3: epoch: unknown key, did you mean epochs?");
  EXPECT_EQ(refused("optimizer:\n  type: sgd\n  lerning_rate: 1\n"),
            "f.yaml:5: optimizer.lerning_rate: unknown key, did you mean optimizer.learning_rate?");
  EXPECT_EQ(refused("learning_rate: 1\n"),
            "f.yaml:3: learning_rate: unknown key, did you mean optimizer.learning_rate?");
  EXPECT_EQ(refused("augment: {zzzzzzzz: 1}\n"),
            "f.yaml:3: augment.zzzzzzzz: unknown key: allowed here are brightness, contrast, "
            "crop_aspect, crop_padding, crop_scale, horizontal_flip, hue, saturation");
  EXPECT_EQ(refused("augment: {crop_padding: 4, crop_scale: 0.5}\n"),
            "f.yaml:3: augment.crop_scale: is a crop, and augment.crop_padding another: give one");
  EXPECT_THAT(refused("\"" + std::string(900, 'k') + "\": 1\n"), HasSubstr("unknown key"));
}

TEST(ParseJob, RefusesWrongTypes) {
  EXPECT_EQ(refused("epochs: many\n"),
            "f.yaml:3: epochs: must be a whole number from 1 to 1000000, found the text 'many'");
  EXPECT_EQ(refused("epochs: 1.5\n"),
            "f.yaml:3: epochs: must be a whole number from 1 to 1000000, found 1.5");
  EXPECT_EQ(refused("epochs: '3'\n"),
            "f.yaml:3: epochs: must be a whole number from 1 to 1000000, found the text '3'");
  EXPECT_EQ(refused("trace: yes\n"),
            "f.yaml:3: trace: must be true or false, found the text 'yes'");
  EXPECT_EQ(refused("optimizer: adamw\n"),
            "f.yaml:3: optimizer: must be a group of keys, found the text 'adamw', as in "
            "'optimizer: {type: adamw, learning_rate: 0.001}'");
  EXPECT_EQ(refused("hidden: 5\n"),
            "f.yaml:3: hidden: must be a list of at most 64, each a whole number from 1 to "
            "1048576, found 5");
  EXPECT_EQ(refused("name: 2024\n"),
            "f.yaml:3: name: must be text, at most 63 characters, of the form "
            "`^[A-Za-z0-9][A-Za-z0-9._-]*$`, found 2024: put it in quotes if it is meant as text");
}

TEST(ParseJob, RefusesValuesOutOfRange) {
  EXPECT_EQ(refused("epochs: 0\n"),
            "f.yaml:3: epochs: must be a whole number from 1 to 1000000, found 0");
  EXPECT_EQ(refused("batch_size: -1\n"),
            "f.yaml:3: batch_size: must be a whole number from 1 to 16777216, found -1");
  EXPECT_EQ(refused("\noptimizer: {learning_rate: 0}\n"),
            "f.yaml:4: optimizer.learning_rate: must be a number above 0 to 1000, found 0");
  EXPECT_EQ(refused("optimizer: {momentum: 1}\n"),
            "f.yaml:3: optimizer.momentum: must be a number from 0 to below 1, found 1");
  EXPECT_EQ(refused("optimizer: {type: ftrl}\n"),
            "f.yaml:3: optimizer.type: must be one of sgd, adamw, lars, found the text 'ftrl'");
  EXPECT_EQ(refused("hidden: [5,\n 0]\n"),
            "f.yaml:4: hidden[1]: must be a whole number from 1 to 1048576, found 0");
  EXPECT_EQ(
      refused("output: ''\n"),
      "f.yaml:3: output: must be text, not empty, at most 4096 characters, found the text ''");
  EXPECT_THAT(refused("name: ../x\n"), StartsWith("f.yaml:3: name: must be text"));
}

TEST(ParseJob, TakesTheLargestSeedThatJsonKeepsExactly) {
  EXPECT_EQ(parsed("seed: 9007199254740991\n").seed, 9007199254740991U);
  EXPECT_THAT(refused("seed: 9007199254740992\n"), StartsWith("f.yaml:3: seed: must be"));
  EXPECT_THAT(refused("seed: 18446744073709551615\n"), StartsWith("f.yaml:3: seed: must be"));
}

TEST(ParseJob, RefusesAMissingKeyAndSaysWhatItIs) {
  EXPECT_EQ(refusal([] { parse_job_text("model: lenet\n", "f.yaml"); }),
            "f.yaml:1: dataset: is missing: An HDF5 file made by 'ringtrain dataset import', or a "
            "folder of its shards; or the URL of one: s3://BUCKET/KEY, https://HOST/PATH, "
            "s3://BUCKET/FOLDER/ for shards.");
  EXPECT_THAT(refusal([] { parse_job_text("- a\n", "f.yaml"); }),
              StartsWith("f.yaml:1: must be a group of keys"));
  EXPECT_THAT(refusal([] { parse_job_text("lenet\n", "f.yaml"); }),
              StartsWith("f.yaml:1: must be a group of keys"));
}

TEST(ParseJob, RefusesKeysThatDoNotFitOneAnother) {
  EXPECT_THAT(refused("hidden: [3]\n"), StartsWith("f.yaml:3: hidden: is for the model mlp"));
  EXPECT_THAT(refused("stem: large\n"), StartsWith("f.yaml:3: stem: is for resnets alone"));
  EXPECT_THAT(refused("stem: large\n", {"model=resnet18-mine.pt"}),
              StartsWith("f.yaml:3: stem: is for resnets alone"));
  EXPECT_THAT(refused("accumulate: 3\n"),
              StartsWith("f.yaml:3: accumulate: must divide batch_size (128)"));
  EXPECT_THAT(refused("optimizer: {nesterov: true, momentum: 0}\n"),
              StartsWith("f.yaml:3: optimizer.nesterov: needs"));
  EXPECT_THAT(refused("optimizer: {nesterov: true, type: adamw}\n"),
              StartsWith("f.yaml:3: optimizer.nesterov: is for sgd"));
  EXPECT_THAT(refused("schedule: {type: step}\n"),
              StartsWith("f.yaml:3: schedule.milestones: is missing"));
  EXPECT_THAT(refused("schedule:\n  type: step\n  milestones: [2,\n    1]\n"),
              StartsWith("f.yaml:6: schedule.milestones[1]: must be above"));
  EXPECT_THAT(refused("schedule: {warmup_epochs: 2}\n"),
              StartsWith("f.yaml:3: schedule.warmup_epochs: must not be above epochs (1)"));
  EXPECT_THAT(refused("communication: {sync_every: 2, shard_optimizer: true}\n"),
              StartsWith("f.yaml:3: communication.shard_optimizer: cannot"));
  EXPECT_THAT(refused("device: cpu\ncommunication: {backend: nccl}\n"),
              StartsWith("f.yaml:4: communication.backend: nccl needs GPUs"));
  EXPECT_THAT(refused("device: cuda\ncommunication: {backend: shared_memory}\n"),
              StartsWith("f.yaml:4: communication.backend: shared_memory is for CPU"));
  EXPECT_THAT(refused("rollback: {factor: 0.5}\n"),
              StartsWith("f.yaml:3: rollback.factor: must be above 1"));
  EXPECT_THAT(refused("communication: {sync_every: 2, wire: bf16}\n"),
              StartsWith("f.yaml:3: communication.wire: bf16 is for gradients"));
  EXPECT_THAT(refused("workers: {min: 3, max: 2}\n"), StartsWith("f.yaml:3: workers.min: must"));
  EXPECT_THAT(refused("workers: {min: 33}\nbatch_size: 32\n"),
              StartsWith("f.yaml:3: workers.min: must not be above batch_size (32)"));
}

TEST(ParseJob, ChecksTheKubernetesGroupToo) {
  EXPECT_EQ(
      refused("kubernetes: {volumes: [{mount: /data, claim: a, nfs: {server: s, path: /}}]}\n"),
      "f.yaml:3: kubernetes.volumes[0]: must be: A mount, and exactly one of claim, "
      "host_path, nfs, empty_dir and ephemeral");
  EXPECT_THAT(refused("kubernetes: {volumes: [{mount: data, claim: a}]}\n"),
              StartsWith("f.yaml:3: kubernetes.volumes[0].mount: must be text"));
  EXPECT_THAT(refused("kubernetes: {volumes: [{claim: a}]}\n"),
              StartsWith("f.yaml:3: kubernetes.volumes[0].mount: is missing"));
  EXPECT_EQ(refused("kubernetes: {volumes: [{mount: /d, empty_dir: {sice: 1}}]}\n"),
            "f.yaml:3: kubernetes.volumes[0].empty_dir.sice: unknown key, did you mean "
            "kubernetes.volumes[0].empty_dir.size?");
  EXPECT_EQ(refused("kubernetes: {volumes: [{mount: /d, empty_dir: {}}]}\n"), "");
}

TEST(ParseJob, RefusesKubernetesKeysThatDoNotFitOneAnother) {
  const auto group = [](const std::string& keys) {
    return refused("kubernetes: {" + keys + "}\n");
  };
  EXPECT_THAT(group("wrokers: 2"), HasSubstr("kubernetes.wrokers: unknown key, did you mean"));
  EXPECT_THAT(group("memory: lots"), StartsWith("f.yaml:3: kubernetes.memory: must be text"));
  EXPECT_THAT(group("env: {A B: x}"), StartsWith("f.yaml:3: kubernetes.env.A B: must be a name"));
  EXPECT_EQ(group("env: {NCCL_DEBUG: INFO}, node_selector: {disk.type/x: ssd}"), "");
  EXPECT_THAT(group("env: {THREADS: 2}"), HasSubstr("put it in quotes"));
  EXPECT_THAT(group("gpus_per_worker: 1, slots_per_worker: 2"),
              StartsWith("f.yaml:3: kubernetes.slots_per_worker: must not be above"));
  EXPECT_THAT(group("tolerations: [{effect: NoSchedule}]"), HasSubstr("needs a key"));
  EXPECT_THAT(group("tolerations: [{key: a, seconds: 3}]"), HasSubstr("NoExecute alone"));
  EXPECT_THAT(group("volumes: [{mount: /d, empty_dir: {}}, {mount: /d, claim: c}]"),
              StartsWith("f.yaml:3: kubernetes.volumes[1].mount: /d is mounted already"));
  EXPECT_THAT(group("volumes: [{mount: /etc/mpi, claim: c}]"), HasSubstr("is mounted already"));
  EXPECT_THAT(
      group("fetch: {from: [/nfs/a.h5], to: /d}, volumes: [{mount: /d, claim: c}]"),
      StartsWith("f.yaml:3: kubernetes.fetch.to: must lie in a volume of the worker's own"));
  EXPECT_EQ(group("fetch: {from: [/nfs/a.h5], to: /d/x}, volumes: [{mount: /d, empty_dir: {}}]"),
            "");
}

TEST(Overrides, WinOverTheFileAndTheLastOneWins) {
  const JobSpec job = parsed("epochs: 2\noptimizer: {type: sgd, momentum: 0.5}\n",
                             {"epochs=5", "epochs=6", "optimizer.type=adamw",
                              "schedule.milestones=[1, 2.5]", "output=a=b"});
  EXPECT_EQ(job.epochs, 6);
  EXPECT_EQ(job.optimizer.type, OptimizerSpec::Type::adamw);
  EXPECT_EQ(job.optimizer.momentum, 0.5);
  EXPECT_EQ(job.schedule.milestones, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(job.output, "a=b");
}

TEST(Overrides, ReplaceAWholeGroup) {
  const JobSpec job =
      parsed("optimizer: {momentum: 0.5}\n", {"optimizer={type: lars, trust: 0.01}"});
  EXPECT_EQ(job.optimizer.type, OptimizerSpec::Type::lars);
  EXPECT_EQ(job.optimizer.trust, 0.01);
  EXPECT_EQ(job.optimizer.momentum, 0.9);
}

TEST(Overrides, TakeAKeyAway) {
  EXPECT_EQ(parsed("max_steps: 5\n", {"max_steps="}).max_steps, std::nullopt);
  EXPECT_EQ(parsed("max_steps: 5\n", {"max_steps=null"}).max_steps, std::nullopt);
  EXPECT_EQ(parsed("", {"optimizer.nothing="}), parsed(""));
}

TEST(Overrides, AreNamedInRefusals) {
  EXPECT_EQ(refused("", {"optimizer.lr=1"}),
            "--set optimizer.lr: unknown key, did you mean optimizer.learning_rate?");
  EXPECT_EQ(refused("", {"epochs=0"}),
            "--set epochs: must be a whole number from 1 to 1000000, found 0");
  EXPECT_EQ(refused("", {"optimizer={momentum: 2}"}),
            "--set optimizer: optimizer.momentum: must be a number from 0 to below 1, found 2");
  EXPECT_EQ(refused("", {"optimiser.type=sgd"}),
            "--set optimiser.type: optimiser: unknown key, did you mean optimizer?");
  EXPECT_EQ(refused("epochs: 1\n", {"epochs.x=1"}),
            "--set epochs.x: epochs (f.yaml:3) is not a group of keys");
  EXPECT_THAT(refused("", {"epochs"}), StartsWith("--set 'epochs': must be key=value"));
  EXPECT_THAT(refused("", {"=1"}), StartsWith("--set '=1': must be key=value"));
  EXPECT_EQ(refused("", {"optimizer..type=sgd"}),
            "--set optimizer..type: a part of the key is empty");
  EXPECT_THAT(refused("", {"hidden=[1"}), StartsWith("--set hidden: is not valid YAML"));
  EXPECT_THAT(refused("", {"epochs=1e400"}), StartsWith("--set epochs: must be a number that"));
  EXPECT_THAT(refused("", {"epochs=\xff"}), HasSubstr("UTF-8"));
  EXPECT_EQ(refused("", {"dataset="}),
            "f.yaml:1: dataset: is missing: An HDF5 file made by 'ringtrain dataset import', or a "
            "folder of its shards; or the URL of one: s3://BUCKET/KEY, https://HOST/PATH, "
            "s3://BUCKET/FOLDER/ for shards.");
}

TEST(ParseJob, ReadsAFile) {
  const TemporaryDirectory directory;
  const auto file = directory.write("small.yaml", kMinimal);
  EXPECT_EQ(parse_job(file).name, "small");
  const std::vector<std::string> overrides = {"name=other"};
  EXPECT_EQ(parse_job(file, overrides).name, "other");
}

}  // namespace
}  // namespace ringtrain
