// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/evaluator.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <memory>
#include <vector>

#include "runtime/device/device.hpp"
#include "runtime/device/load.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain {
namespace {

constexpr uint64_t kTestRows = 130;

class EvaluatorTest : public testing::Test {
 protected:
  EvaluatorTest() {
    open({.test_rows = kTestRows}, 10);
    job_.batch_size = 32;
  }

  void open(const datasets::testing::Sizes& sizes, int64_t outputs) {
    dataset_ = datasets::testing::write_dataset(folder_ / "rows.h5", sizes);
    const auto& shape = dataset_.shape;
    model_ = make_model({.name = "mlp",
                         .hidden = {8},
                         .channels = shape.channels,
                         .height = shape.height,
                         .width = shape.width,
                         .classes = outputs,
                         .seed = 3});
  }

  Evaluator evaluator(int rank, int world_size) {
    return {job_, dataset_, rank, world_size, *device_, *model_};
  }

  TemporaryDirectory folder_;
  datasets::DatasetIndex dataset_;
  JobSpec job_;
  std::unique_ptr<Device> device_ = make_device(JobSpec::Device::cpu, 0);
  std::unique_ptr<Model> model_;
};

const auto kNeverStop = [] { return false; };
const auto kOneRank = [](SumSlots&) {};

TEST_F(EvaluatorTest, IsTheMeanOverEveryTestSample) {
  datasets::Reader reader(dataset_, datasets::Split::test,
                          {.batch_size = kTestRows, .shuffle = false, .contiguous = false});
  reader.start(0);
  const auto* batch = reader.next();
  ASSERT_NE(batch, nullptr);
  const torch::NoGradGuard no_grad;
  model_->train(false);
  const auto logits = model_->forward(load_inputs(*device_, dataset_, *batch, {}));
  const auto labels = load_answers(*device_, dataset_, *batch);
  const double loss = torch::nn::functional::cross_entropy(logits, labels).item<double>();
  const double accuracy = logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();

  const Evaluation found = evaluator(0, 1).run(kNeverStop, kOneRank);
  EXPECT_NEAR(found.loss, loss, 1e-5);
  EXPECT_DOUBLE_EQ(found.accuracy.value(), accuracy);
  EXPECT_FALSE(found.rmse || found.mae);
}

TEST_F(EvaluatorTest, SumsTheSharesOfTheRanks) {
  const Evaluation alone = evaluator(0, 1).run(kNeverStop, kOneRank);
  std::vector<double> of_others;
  const auto keep = [&](SumSlots& slots) {
    of_others.assign(slots.values().begin(), slots.values().end());
  };
  const auto add = [&](SumSlots& slots) {
    for (size_t i = 0; i < of_others.size(); ++i) slots.values()[i] += of_others[i];
  };
  evaluator(1, 2).run(kNeverStop, keep);
  const Evaluation together = evaluator(0, 2).run(kNeverStop, add);
  EXPECT_NEAR(together.loss, alone.loss, 1e-6);
  EXPECT_DOUBLE_EQ(together.accuracy.value(), alone.accuracy.value());
}

TEST_F(EvaluatorTest, SumsTheErrorsOfTargetsOverTheRanks) {
  open({.test_rows = kTestRows, .targets = 2}, 2);
  const Evaluation alone = evaluator(0, 1).run(kNeverStop, kOneRank);
  EXPECT_FALSE(alone.accuracy);
  ASSERT_EQ(alone.rmse.value().size(), 2U);
  std::vector<double> of_others;
  const auto keep = [&](SumSlots& slots) {
    of_others.assign(slots.values().begin(), slots.values().end());
  };
  const auto add = [&](SumSlots& slots) {
    for (size_t i = 0; i < of_others.size(); ++i) slots.values()[i] += of_others[i];
  };
  evaluator(1, 2).run(kNeverStop, keep);
  const Evaluation together = evaluator(0, 2).run(kNeverStop, add);
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_NEAR((*together.rmse)[k] / (*alone.rmse)[k], 1, 1e-9);
    EXPECT_NEAR((*together.mae)[k] / (*alone.mae)[k], 1, 1e-9);
  }
  job_.loss = JobSpec::Loss::l1;
  EXPECT_EQ(evaluator(0, 1).run(kNeverStop, kOneRank).rmse, alone.rmse);
}

TEST_F(EvaluatorTest, LeavesRoomForOtherValuesInItsSum) {
  double stop = 0;
  evaluator(0, 1).run(kNeverStop, [&](SumSlots& slots) {
    const auto slot = slots.add("stop", 1);
    stop = slots[slot];
  });
  EXPECT_EQ(stop, 1);
}

TEST_F(EvaluatorTest, StopsEarlyButStillTakesPartInTheSum) {
  int sums = 0;
  evaluator(0, 1).run([] { return true; }, [&](SumSlots&) { ++sums; });
  EXPECT_EQ(sums, 1);
}

TEST_F(EvaluatorTest, HasNothingToDoWithoutTestSamples) {
  EXPECT_TRUE(evaluator(0, 1).has_samples());
  dataset_.test = {};
  EXPECT_FALSE(evaluator(0, 1).has_samples());
}

}  // namespace
}  // namespace ringtrain
