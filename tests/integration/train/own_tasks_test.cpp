// SPDX-License-Identifier: Apache-2.0
// Models of a user's own, as TorchScript, on targets and on whole numbers.
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mix.hpp"
#include "datasets/writing/writer.hpp"
#include "runtime/checkpoint/resume.hpp"
#include "runtime/train/model_options.hpp"
#include "runtime/train/trainer.hpp"
#include "tests/integration/mpi_main.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using datasets::Split;

constexpr uint64_t kTrainRows = 1000;
constexpr uint64_t kTestRows = 200;

double drawn(uint64_t row, uint64_t k) {  // uniform in [0, 1)
  return static_cast<double>(mix(row, k) % 1000000) / 1e6;
}

// Calls put(split, row in the split, row in all) for every row.
template <typename Put>
void for_each_row(const Put& put) {
  for (uint64_t i = 0; i < kTrainRows; ++i) put(Split::train, i, i);
  for (uint64_t i = 0; i < kTestRows; ++i) put(Split::test, i, kTrainRows + i);
}

datasets::NewDataset new_dataset(datasets::ElementType element, int64_t features) {
  datasets::NewDataset dataset;
  dataset.element = element;
  dataset.shape = {features, 1, 1};
  dataset.train_rows = kTrainRows;
  dataset.test_rows = kTestRows;
  dataset.source = "rows";
  return dataset;
}

// Two targets of very different scales: 200,000 + 1,000 (a + 2b) and 0.001 (a - b).
datasets::DatasetIndex write_houses(const std::filesystem::path& path) {
  auto dataset = new_dataset(datasets::ElementType::f32, 2);
  dataset.target_names = {"price", "fee"};
  datasets::Writer writer(path, dataset);
  for_each_row([&](Split split, uint64_t place, uint64_t row) {
    const auto a = static_cast<float>(drawn(row, 0));
    const auto b = static_cast<float>(drawn(row, 1));
    const std::vector<float> x = {a, 100 * b};
    writer.put(split, place, reinterpret_cast<const std::byte*>(x.data()),
               std::vector<float>{200000 + 1000 * (a + 2 * b), 0.001F * (a - b)});
  });
  return writer.finish();
}

// Numbers above 2^24, of which a float holds the even ones alone; the label says whether the first
// is odd.
datasets::DatasetIndex write_tokens(const std::filesystem::path& path) {
  datasets::Writer writer(path, new_dataset(datasets::ElementType::i64, 3));
  for_each_row([&](Split split, uint64_t place, uint64_t row) {
    std::vector<int64_t> x;
    for (uint64_t k = 0; k < 3; ++k) x.push_back((1 << 24) + static_cast<int64_t>(mix(row, k) % 8));
    writer.put(split, place, reinterpret_cast<const std::byte*>(x.data()), x[0] % 2);
  });
  writer.set_class_names({"even", "odd"});
  return writer.finish();
}

// A module with tensors of these names and sizes, and this forward, as torch.jit.script leaves it.
void save_module(const std::filesystem::path& path,
                 const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors,
                 const std::string& forward) {
  torch::manual_seed(5);
  torch::jit::Module module("Net");
  module.register_attribute("training", c10::BoolType::get(), true);
  for (const auto& [name, sizes] : tensors) {
    const auto tensor = torch::randn(sizes) / std::sqrt(static_cast<double>(sizes.back()));
    module.register_parameter(name, tensor.clone().set_requires_grad(true), /*is_buffer=*/false);
  }
  module.define("def forward(self, x: Tensor):\n" + forward);
  module.save(path.string());
}

class OwnTasks : public testing::Test {
 protected:
  OwnTasks() {
    if (test_world().rank() == 0) folder_.emplace();
    path_ = test_world().broadcast(folder_ ? folder_->path().string() : "");
    job_.model = (path_ / "net.pt").string();
    job_.output = path_ / "out";
    job_.batch_size = 50;
    job_.checkpoint = {};
  }
  ~OwnTasks() override { test_world().barrier(); }  // before rank 0 removes the folder

  template <typename Make>
  void make(const Make& write, const std::function<void(const std::filesystem::path&)>& save) {
    std::string bytes;
    if (test_world().rank() == 0) {
      bytes = datasets::serialise(write(path_ / "rows.h5"));
      save(path_ / "net.pt");
    }
    dataset_ = datasets::deserialise(test_world().broadcast(bytes));
  }

  Result train(const JobSpec& job) {
    const auto device = make_device(JobSpec::Device::cpu, 0);
    const auto model = make_model(model_options(job, dataset_));
    const Reporter reporter(/*events=*/false, /*quiet=*/true);
    Progress progress(reporter);
    std::optional<ResumePoint> point;
    const auto ignore = [](const std::string&) {};
    if (test_world().rank() == 0) point = find_resume_point(job, dataset_, ignore, ignore);
    const std::string text = test_world().broadcast(print_resume_point(point));
    if (!point) point = resume_point_from(text);
    Trainer trainer(job, test_world(), dataset_, *device, *model, progress);
    if (point) trainer.resume(*point);
    return trainer.train();
  }

  std::filesystem::path path_;
  JobSpec job_;
  datasets::DatasetIndex dataset_;

 private:
  std::optional<TemporaryDirectory> folder_;
};

class OwnRegression : public OwnTasks {
 protected:
  OwnRegression() {
    make(write_houses, [](const auto& path) {
      save_module(path, {{"first", {16, 2}}, {"second", {2, 16}}},
                  "    x = torch.tanh(torch.linear(x.flatten(1), self.first))\n"
                  "    return torch.linear(x, self.second)\n");
    });
    job_.optimizer.learning_rate = 0.05;
    job_.epochs = 20;
  }
};

TEST_F(OwnRegression, LearnsTargetsOfAnyScale) {
  for (const auto loss : {JobSpec::Loss::automatic, JobSpec::Loss::huber, JobSpec::Loss::l1}) {
    job_.loss = loss;
    job_.output = path_ / ("out" + std::to_string(static_cast<int>(loss)));
    const Result result = train(job_);
    EXPECT_FALSE(result.test_accuracy);
    ASSERT_TRUE(result.test_rmse && result.test_mae);
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_LT((*result.test_rmse)[k], 0.15 * dataset_.targets.std[k]) << k;
      EXPECT_LE((*result.test_mae)[k], (*result.test_rmse)[k]);
    }
  }
}

TEST_F(OwnRegression, ContinuesFromACheckpointBitByBit) {
  job_.epochs = 3;
  const Result whole = train(job_);
  job_.output = path_ / "resumed";
  JobSpec first = job_;
  first.max_steps = 25;
  first.checkpoint.every_steps = 5;
  train(first);
  const Result resumed = train(job_);
  EXPECT_EQ(resumed.resumed_from_step, 25);
  EXPECT_EQ(resumed.train_loss, whole.train_loss);
  EXPECT_EQ(resumed.test_loss, whole.test_loss);
  EXPECT_EQ(resumed.test_rmse, whole.test_rmse);
  EXPECT_EQ(resumed.test_mae, whole.test_mae);
}

TEST_F(OwnTasks, GetWholeNumbersExactly) {
  make(write_tokens, [](const auto& path) {
    save_module(path, {{"table", {8, 4}}, {"weight", {2, 12}}},
                "    tokens = torch.remainder(x.flatten(1), 8)\n"
                "    x = torch.embedding(self.table, tokens).flatten(1)\n"
                "    return torch.linear(x, self.weight)\n");
  });
  job_.epochs = 10;
  job_.optimizer.learning_rate = 0.2;
  EXPECT_GT(train(job_).test_accuracy.value(), 0.99);
}

}  // namespace
}  // namespace ringtrain
