// SPDX-License-Identifier: Apache-2.0
#include "job/task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/choice_names.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

using Loss = JobSpec::Loss;
using ::testing::StartsWith;

class CheckTask : public testing::Test {
 protected:
  CheckTask() {
    job_.model = "net.pt";
    job_.dataset = "set.h5";
    classes_.classes = 2;
    targets_.targets = {"price", "sold"};
    targets_.least = {-1, 0};
    targets_.largest = {9, 1};
  }
  void expect_refused(const DatasetTask& dataset, const std::string& line) {
    EXPECT_THAT([&] { check_task(job_, dataset); }, ThrowsError(ErrorKind::job, StartsWith(line)));
  }

  JobSpec job_;
  DatasetTask classes_;
  DatasetTask targets_;
};

TEST_F(CheckTask, TakesWhatFits) {
  for (const Loss loss : {Loss::automatic, Loss::cross_entropy}) {
    job_.loss = loss;
    check_task(job_, classes_);
  }
  for (const Loss loss : {Loss::automatic, Loss::mse, Loss::l1, Loss::huber}) {
    job_.loss = loss;
    check_task(job_, targets_);
  }
  targets_.least[0] = 0;
  targets_.largest[0] = 1;
  job_.loss = Loss::bce_with_logits;
  check_task(job_, targets_);
}

TEST_F(CheckTask, RefusesALossThatIsNotForTheAnswers) {
  for (const Loss loss : {Loss::mse, Loss::l1, Loss::huber, Loss::bce_with_logits}) {
    job_.loss = loss;
    expect_refused(classes_, "loss: ");
  }
  job_.loss = Loss::mse;
  expect_refused(classes_,
                 "loss: mse needs targets, but dataset set.h5 has labels of 2 classes: import it "
                 "with --target, or set loss: cross_entropy");
  job_.loss = Loss::cross_entropy;
  expect_refused(targets_,
                 "loss: cross_entropy needs labels of classes, but dataset set.h5 has 2 targets: "
                 "set loss to mse, l1, huber or bce_with_logits");
  job_.loss = Loss::bce_with_logits;
  expect_refused(targets_,
                 "loss: bce_with_logits needs targets from 0 to 1, but price of dataset set.h5 is "
                 "from -1 to 9");
}

TEST_F(CheckTask, RefusesAGoalThatNoEvaluationReaches) {
  job_.stop_at.test_loss = 0.1;
  check_task(job_, targets_);
  job_.stop_at.test_accuracy = 0.9;
  check_task(job_, classes_);
  expect_refused(targets_, "stop_at.test_accuracy: dataset set.h5 has targets");
  classes_.has_test = false;
  expect_refused(classes_, "stop_at: dataset set.h5 has no test part");
}

TEST_F(CheckTask, RefusesLabelSmoothingOfTargets) {
  job_.label_smoothing = 0.1;
  check_task(job_, classes_);
  expect_refused(targets_, "label_smoothing: is for loss cross_entropy, not for mse: remove it");
}

TEST_F(CheckTask, RefusesWholeNumbersForWhatScalesOrChangesThem) {
  classes_.whole_numbers = true;
  check_task(job_, classes_);
  job_.augment.horizontal_flip = true;
  expect_refused(classes_, "augment: dataset set.h5 holds whole numbers, which are not augmented");
  classes_.whole_numbers = false;
  classes_.table = true;
  expect_refused(classes_, "augment: dataset set.h5 is a table, and only images are augmented");
  classes_.table = false;
  classes_.whole_numbers = true;
  job_.augment = {};
  job_.model = "mlp";
  expect_refused(classes_,
                 "model: mlp takes normalised floats, but dataset set.h5 holds whole numbers: take "
                 "a TorchScript file, or import the dataset with --floats");
}

TEST_F(CheckTask, RefusesColoursOfFloatsAndOfOneChannel) {
  job_.augment = {.contrast = 0.4};
  classes_.bytes = false;
  expect_refused(classes_, "augment: dataset set.h5 holds floats");
  classes_.bytes = true;
  classes_.channels = 1;
  check_task(job_, classes_);
  job_.augment.hue = 0.1;
  expect_refused(classes_,
                 "augment.hue: dataset set.h5 has 1 channel, and colours need 3: remove it");
}

TEST(LossNames, ComeBack) {
  for (const Loss loss : {Loss::automatic, Loss::cross_entropy, Loss::mse, Loss::l1, Loss::huber,
                          Loss::bce_with_logits}) {
    EXPECT_EQ(loss_named(name_of(loss)), loss);
  }
  EXPECT_EQ(name_of(Loss::huber), "huber");
  EXPECT_THAT([] { loss_named("l3"); }, ThrowsError(ErrorKind::data));
}

}  // namespace
}  // namespace ringtrain
