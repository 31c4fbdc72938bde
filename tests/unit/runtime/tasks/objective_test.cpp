// SPDX-License-Identifier: Apache-2.0
#include "runtime/tasks/objective.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <memory>

#include "runtime/device/load.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain {
namespace {

namespace functional = torch::nn::functional;
using Loss = JobSpec::Loss;

constexpr int64_t kRows = 100;
constexpr int64_t kTargets = 3;

class ObjectiveTest : public testing::Test {
 protected:
  // A dataset with one batch of all its training rows, in the order of the file.
  void open(const datasets::testing::Sizes& sizes) {
    dataset_ = datasets::testing::write_dataset(folder_ / "set.h5", sizes);
    reader_ = std::make_unique<datasets::Reader>(
        dataset_, datasets::Split::train,
        datasets::ReaderOptions{.batch_size = kRows, .shuffle = false, .contiguous = false});
    reader_->start(0);
    batch_ = reader_->next();
  }
  void open_targets(uint64_t targets = kTargets) {
    open({.train_rows = kRows, .test_rows = 1, .targets = targets});
  }
  torch::Tensor raw_targets() const {
    return torch::from_blob(const_cast<float*>(batch_->targets),
                            {kRows, static_cast<int64_t>(dataset_.targets.names.size())})
        .clone();
  }

  TemporaryDirectory folder_;
  datasets::DatasetIndex dataset_;
  std::unique_ptr<datasets::Reader> reader_;
  const datasets::Batch* batch_ = nullptr;
  std::unique_ptr<Device> device_ = make_device(JobSpec::Device::cpu, 0);
};

TEST_F(ObjectiveTest, ChoosesTheUsualLoss) {
  open_targets();
  EXPECT_EQ(Objective(Loss::automatic, dataset_).kind(), Loss::mse);
  EXPECT_EQ(Objective(Loss::l1, dataset_).kind(), Loss::l1);
  open({.train_rows = kRows, .test_rows = 1});
  EXPECT_EQ(Objective(Loss::automatic, dataset_).kind(), Loss::cross_entropy);
}

TEST_F(ObjectiveTest, NormalisesEachTarget) {
  open_targets();
  const auto answers =
      Objective(Loss::mse, dataset_).answers(load_answers(*device_, dataset_, *batch_));
  EXPECT_EQ(answers.sizes(), torch::IntArrayRef({kRows, kTargets}));
  EXPECT_TRUE(torch::allclose(answers.mean(0), torch::zeros(kTargets), 0, 1e-5));
  EXPECT_TRUE(torch::allclose(answers.std(0, false), torch::ones(kTargets), 1e-5));
  EXPECT_TRUE(torch::equal(
      Objective(Loss::bce_with_logits, dataset_).answers(load_answers(*device_, dataset_, *batch_)),
      raw_targets()));
}

// Torch's mean over all elements is ours over rows.
TEST_F(ObjectiveTest, LossesAndGradientsAreThoseOfTorch) {
  open_targets();
  const auto check = [&](Loss loss, auto&& torchs) {
    const Objective objective(loss, dataset_);
    const auto answers = objective.answers(load_answers(*device_, dataset_, *batch_));
    auto own = torch::randn({kRows, kTargets}, torch::requires_grad());
    auto other = own.detach().clone().requires_grad_();
    const auto sum = objective.loss(own, answers);
    const auto mean = torchs(other, answers);
    EXPECT_NEAR(sum.template item<double>() / kRows, mean.template item<double>(), 1e-5);
    const auto losses = objective.losses(own, answers);
    EXPECT_EQ(losses.sizes(), torch::IntArrayRef({kRows}));
    EXPECT_TRUE(torch::allclose(losses.sum(), sum, 1e-5));
    (sum / kRows).backward();
    mean.backward();
    EXPECT_TRUE(torch::allclose(own.grad(), other.grad(), 1e-5, 1e-8));
    EXPECT_TRUE(torch::allclose(objective.loss(own.slice(0, 0, 0), answers.slice(0, 0, 0)),
                                torch::zeros({})));
  };
  using torch::Tensor;
  check(Loss::mse, [](const Tensor& x, const Tensor& y) { return functional::mse_loss(x, y); });
  check(Loss::l1, [](const Tensor& x, const Tensor& y) { return functional::l1_loss(x, y); });
  check(Loss::huber, [](const Tensor& x, const Tensor& y) { return functional::huber_loss(x, y); });
  open_targets(1);
  const Objective bce(Loss::bce_with_logits, dataset_);
  const auto outputs = torch::randn({kRows, 1});
  EXPECT_NEAR(bce.loss(outputs, raw_targets()).item<double>() / kRows,
              functional::binary_cross_entropy_with_logits(outputs, raw_targets()).item<double>(),
              1e-5);
}

TEST_F(ObjectiveTest, ErrorsAreInTheUnitOfTheTarget) {
  open_targets();
  const Objective objective(Loss::huber, dataset_);
  EXPECT_FALSE(objective.counts_answers());
  const auto outputs = torch::randn({kRows, kTargets});
  const auto answers = objective.answers(load_answers(*device_, dataset_, *batch_));
  ErrorSums sums = objective.no_errors();
  for (const int64_t half : {0, 1}) {  // sums add up over batches
    const int64_t begin = half * 30;
    const int64_t end = half == 0 ? 30 : kRows;
    objective.add(outputs.slice(0, begin, end), answers.slice(0, begin, end), sums);
  }
  const auto error = (objective.values(outputs) - raw_targets()).to(torch::kDouble);
  for (int64_t k = 0; k < kTargets; ++k) {
    const auto own = error.select(1, k);
    const auto i = static_cast<size_t>(k);
    EXPECT_NEAR(sums.rmse()[i] / own.square().mean().sqrt().item<double>(), 1, 1e-5);
    EXPECT_NEAR(sums.mae()[i] / own.abs().mean().item<double>(), 1, 1e-5);
  }
  EXPECT_NEAR(sums.loss, objective.loss(outputs, answers).item<double>(), 1e-3);
  EXPECT_EQ(sums.samples, kRows);
}

TEST_F(ObjectiveTest, AlwaysSayingTheMeanMissesByTheStd) {
  open_targets();
  const Objective objective(Loss::mse, dataset_);
  ErrorSums sums = objective.no_errors();
  objective.add(torch::zeros({kRows, kTargets}),
                objective.answers(load_answers(*device_, dataset_, *batch_)), sums);
  for (size_t k = 0; k < kTargets; ++k) {
    EXPECT_NEAR(sums.rmse()[k] / dataset_.targets.std[k], 1, 1e-5);
  }
}

TEST_F(ObjectiveTest, CountsTheSideOfOneHalfOfTargetsFromZeroToOne) {
  open_targets(1);
  const Objective objective(Loss::bce_with_logits, dataset_);
  EXPECT_TRUE(objective.counts_answers());
  const auto answers = objective.answers(load_answers(*device_, dataset_, *batch_));
  auto outputs = answers * 6 - 3;
  outputs[0] *= -1;
  outputs[1] *= -1;
  ErrorSums sums = objective.no_errors();
  objective.add(outputs, answers, sums);
  EXPECT_EQ(sums.answers, kRows);
  EXPECT_EQ(sums.right, kRows - 2);
  EXPECT_TRUE(sums.squared.empty());
  EXPECT_TRUE(torch::allclose(objective.values(outputs), outputs.sigmoid()));
}

TEST_F(ObjectiveTest, WholeNumbersReachTheModelAsTheyAre) {
  open({.train_rows = kRows,
        .test_rows = 1,
        .shape = {4, 1, 1},
        .element = datasets::ElementType::i64});
  const auto inputs = load_inputs(*device_, dataset_, *batch_, {});
  EXPECT_EQ(inputs.scalar_type(), torch::kLong);
  EXPECT_EQ(inputs.sizes(), torch::IntArrayRef({kRows, 4, 1, 1}));
  const datasets::testing::RowFinder find(dataset_);
  for (int64_t row = 0; row < kRows; ++row) {
    const auto* x = static_cast<const std::byte*>(inputs[row].const_data_ptr());
    EXPECT_EQ(find(x), static_cast<uint64_t>(row));
  }
}

}  // namespace
}  // namespace ringtrain
