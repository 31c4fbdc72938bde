// SPDX-License-Identifier: Apache-2.0
// Whole runs of the trainer on any number of ranks, under every averaging strategy.
#include "runtime/train/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "job/outcome_file.hpp"
#include "runtime/device/device_cpu.hpp"
#include "runtime/train/model_options.hpp"
#include "tests/integration/mpi_main.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain {
namespace {

constexpr uint64_t kTrainRows = 300;  // 9 whole batches of 32, and a short one
constexpr int64_t kStepsPerEpoch = 10;

// A run that has ended: its result and its model's parameters.
struct Outcome {
  Result result;
  std::vector<torch::Tensor> parameters;
};

class TrainerTest : public testing::TestWithParam<int> {
 protected:
  TrainerTest() {
    if (test_world().rank() == 0) folder_.emplace();
    path_ = test_world().broadcast(folder_ ? folder_->path().string() : "");
    if (test_world().rank() == 0) {
      dataset_ = datasets::serialise(
          datasets::testing::write_dataset(path_ / "rows.h5", {.train_rows = kTrainRows}));
    }
    dataset_ = test_world().broadcast(dataset_);
    job_.model = "mlp";
    job_.hidden = {8};
    job_.seed = 3;
    job_.output = path_ / "out";
    job_.batch_size = 32;
    job_.epochs = 2;
    job_.optimizer.learning_rate = 0.05;
    job_.checkpoint = {};
    job_.communication.sync_every = GetParam();
  }
  ~TrainerTest() override { test_world().barrier(); }  // before rank 0 removes the folder

  Outcome train(const JobSpec& job) { return train(job, *make_device(JobSpec::Device::cpu, 0)); }
  Outcome train(const JobSpec& job, Device& device) {
    const auto dataset = datasets::deserialise(dataset_);
    const auto model = make_model(model_options(job, dataset));
    const Reporter reporter(/*events=*/false, /*quiet=*/true);
    Progress progress(reporter);
    const auto point = resume_point(job, dataset);
    Outcome run;
    {
      Trainer trainer(job, test_world(), dataset, device, *model, progress);
      if (point) trainer.resume(*point);
      run.result = trainer.train();
    }
    for (const auto& parameter : model->parameters()) {
      run.parameters.push_back(parameter.tensor.detach().clone());
    }
    return run;
  }

  JobSpec job_;
  std::filesystem::path path_;

 private:
  static std::optional<ResumePoint> resume_point(const JobSpec& job,
                                                 const datasets::DatasetIndex& dataset) {
    std::optional<ResumePoint> point;
    const auto ignore = [](const std::string&) {};
    if (test_world().rank() == 0) point = find_resume_point(job, dataset, ignore, ignore);
    const std::string text = test_world().broadcast(print_resume_point(point));
    return point ? point : resume_point_from(text);
  }

  std::optional<TemporaryDirectory> folder_;
  std::string dataset_;
};

void expect_equal(const std::vector<torch::Tensor>& one, const std::vector<torch::Tensor>& two) {
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], two[i])) << i;
}

std::string bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

TEST_P(TrainerTest, TrainsOnEverySampleAndEvaluatesTheModel) {
  const Result result = train(job_).result;
  EXPECT_EQ(result.status, "finished");
  EXPECT_EQ(result.steps, 2 * kStepsPerEpoch);
  EXPECT_EQ(result.epochs, 2);
  EXPECT_EQ(result.samples_seen, 2 * kTrainRows);
  EXPECT_TRUE(result.test_accuracy);
  EXPECT_GT(result.train_loss, 0);
}

TEST_P(TrainerTest, LeavesTheSameModelOnEveryRank) {
  for (const torch::Tensor& parameter : train(job_).parameters) {
    const auto all = test_world().all_gather(bytes_of(parameter));
    for (const auto& bytes : all) EXPECT_EQ(bytes, all.front());
  }
}

TEST_P(TrainerTest, ContinuesFromACheckpointBitByBit) {
  const Outcome whole = train(job_);
  job_.output = path_ / "resumed";
  JobSpec first = job_;
  first.max_steps = 12;
  first.checkpoint.every_steps = 4;
  train(first);
  const Outcome resumed = train(job_);
  EXPECT_EQ(resumed.result.resumed_from_step, 12);
  EXPECT_EQ(resumed.result.order_hash, whole.result.order_hash);
  EXPECT_EQ(resumed.result.samples_seen, whole.result.samples_seen);
  EXPECT_EQ(resumed.result.test_loss, whole.result.test_loss);
  expect_equal(resumed.parameters, whole.parameters);
}

TEST_P(TrainerTest, EndsWhenItIsAskedToFinish) {
  job_.epochs = 100000;
  job_.checkpoint.every_epochs = 0;
  job_.checkpoint.every_steps = 7;
  std::jthread asks;
  if (test_world().rank() == 0) {
    asks = std::jthread([output = job_.output] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      std::filesystem::create_directories(output);
      ask_to_finish(output);
    });
  }
  const Outcome run = train(job_);
  EXPECT_EQ(run.result.status, "finished");
  EXPECT_LT(run.result.steps, job_.epochs * kStepsPerEpoch);
  EXPECT_TRUE(run.result.test_accuracy) << "the model is evaluated as it is";
  // The last checkpoint is of the last step: nothing is left to train.
  JobSpec rest = job_;
  rest.max_steps = run.result.steps;
  const Outcome again = train(rest);
  EXPECT_EQ(again.result.resumed_from_step, run.result.steps);
  EXPECT_EQ(again.result.test_loss, run.result.test_loss);
  expect_equal(again.parameters, run.parameters);
}

TEST_P(TrainerTest, EndsWhenItIsGoodEnough) {
  const Outcome whole = train(job_);
  job_.output = path_ / "good";
  job_.epochs = 50;
  job_.stop_at.test_loss = whole.result.test_loss;
  const Result result = train(job_).result;
  EXPECT_EQ(result.status, "finished");
  EXPECT_LT(result.steps, 50 * kStepsPerEpoch);
  EXPECT_EQ(result.steps % kStepsPerEpoch, 0) << "after an evaluation";
  EXPECT_LE(*result.test_loss, *whole.result.test_loss);
}

TEST_P(TrainerTest, SeesTheFirstSamplesAloneWhereTheJobSaysSo) {
  job_.samples = 70;
  const Outcome part = train(job_);
  EXPECT_EQ(part.result.samples_seen, 140);
  EXPECT_EQ(part.result.steps, 6);
}

// The order of a GPU's step, on a CPU: while a step is under way the next batch is loaded, and a
// rank alone updates before its host knows whether gradients are finite.
class BusyDevice final : public CpuDevice {
 public:
  explicit BusyDevice(bool judges = true) : judges_(judges) {}
  bool runs_behind() const override { return true; }
  const int* start_judging(double most) override {
    if (!judges_) return nullptr;
    judged = true;
    found_ = CpuDevice::collect_stats();
    unusable_ = 0;
    for (const auto& one : found_) {
      if (!one.finite || one.squared_norm > most) unusable_ = 1;
    }
    return &unusable_;
  }
  std::vector<kernels::GradientStats> collect_stats() override {
    return found_.empty() ? CpuDevice::collect_stats() : std::exchange(found_, {});
  }
  using CpuDevice::pack;
  void pack(const at::Tensor& gradient, float* out, float scale) override {
    CpuDevice::pack(gradient, out, ++packs_ == spoiled_pack ? spoiled_scale : scale);
  }

  int spoiled_pack = 0;     // which of all gradients has another scale; counted from 1
  float spoiled_scale = 1;  // that scale
  bool judged = false;

 private:
  bool judges_;
  int packs_ = 0;
  int unusable_ = 0;
  std::vector<kernels::GradientStats> found_;
};

constexpr int kParameters = 4;  // of an mlp with one hidden layer

TEST_P(TrainerTest, LoadsAheadWithoutChangingAnything) {
  BusyDevice busy;
  const Outcome expected = train(job_);
  job_.output = path_ / "ahead";
  const Outcome whole = train(job_, busy);
  expect_equal(whole.parameters, expected.parameters);
  EXPECT_EQ(whole.result.order_hash, expected.result.order_hash);
  EXPECT_EQ(whole.result.samples_seen, expected.result.samples_seen);
  // Stopped within an epoch, where another batch has been loaded already.
  job_.output = path_ / "ahead resumed";
  JobSpec first = job_;
  first.max_steps = 12;
  first.checkpoint.every_steps = 4;
  train(first, busy);
  const Outcome resumed = train(job_, busy);
  expect_equal(resumed.parameters, expected.parameters);
  EXPECT_EQ(resumed.result.order_hash, expected.result.order_hash);
}

TEST_P(TrainerTest, UpdatesBeforeTheHostKnowsThatAStepMustBeSkipped) {
  job_.optimizer.type = OptimizerSpec::Type::adamw;  // it counts its steps
  job_.optimizer.learning_rate = 0.01;
  const auto run = [&](bool judges) {
    BusyDevice busy(judges);
    busy.spoiled_pack = 6 * kParameters + 2;
    busy.spoiled_scale = std::numeric_limits<float>::infinity();
    job_.output = path_ / (judges ? "early" : "late");
    const Outcome outcome = train(job_, busy);
    EXPECT_EQ(outcome.result.skipped_steps, 1);
    EXPECT_EQ(busy.judged, judges && (test_world().size() == 1 || GetParam() > 1));
    return outcome;
  };
  const Outcome late = run(false), early = run(true);
  expect_equal(early.parameters, late.parameters);
  EXPECT_EQ(early.result.test_loss, late.result.test_loss);
}

// The spike's own update has been made by then, and is rolled back with the rest.
TEST_P(TrainerTest, UpdatesBeforeTheHostKnowsThatTheLossIsASpike) {
  if (GetParam() > 1) GTEST_SKIP() << "rollback is for ranks that agree in every step";
  job_.rollback = {.factor = 3, .window = 4};
  const auto run = [&](bool judges) {
    BusyDevice busy(judges);
    busy.spoiled_pack = 10 * kParameters + 1;
    busy.spoiled_scale = 1000;
    job_.output = path_ / (judges ? "early" : "late");
    const Outcome outcome = train(job_, busy);
    EXPECT_GT(outcome.result.rollbacks, 0);
    return outcome;
  };
  const Outcome late = run(false), early = run(true);
  expect_equal(early.parameters, late.parameters);
  EXPECT_EQ(early.result.train_loss, late.result.train_loss);
}

INSTANTIATE_TEST_SUITE_P(EveryStepAndLocalSgd, TrainerTest, testing::Values(1, 4));

}  // namespace
}  // namespace ringtrain
