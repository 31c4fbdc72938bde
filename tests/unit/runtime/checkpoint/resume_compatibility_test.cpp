// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/resume_compatibility.hpp"

#include <gmock/gmock.h>

#include "job/json.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AJobAndACheckpoint : public testing::Test {
 protected:
  AJobAndACheckpoint() {
    job_.model = "mlp";
    job_.hidden = {16};
    dataset_.uuid = checkpoint_.dataset_uuid = "d-1";
    dataset_.train.rows = checkpoint_.train_rows = 100;
    checkpoint_.job = job_to_json(job_);
  }
  std::vector<std::string> against() { return conflicts(checkpoint_, job_, dataset_); }

  JobSpec job_;
  datasets::DatasetIndex dataset_;
  Manifest checkpoint_;
};

TEST_F(AJobAndACheckpoint, FitWhereNothingThatCountsHasChanged) {
  job_.name = "other";
  job_.epochs = 9;
  job_.max_steps = 100;
  job_.output = "elsewhere";
  job_.checkpoint.every_steps = 7;
  job_.communication.backend = CommunicationSpec::Backend::mpi;
  EXPECT_THAT(against(), IsEmpty());
  EXPECT_THAT(changes(checkpoint_, job_), IsEmpty());
}

TEST_F(AJobAndACheckpoint, DoNotFitWhereTheSavedNumbersMeanSomethingElse) {
  job_.batch_size = 64;
  EXPECT_THAT(against(), ElementsAre("batch_size is 64, the checkpoint's 128"));
  job_.batch_size = 128;
  job_.model = "lenet";
  job_.hidden = {};
  EXPECT_THAT(against(), ElementsAre(HasSubstr("model is \"lenet\", the checkpoint's \"mlp\""),
                                     HasSubstr("hidden is [], the checkpoint's [16]")));
  job_.model = "mlp";
  job_.hidden = {16};
  job_.seed = 2;
  job_.optimizer.type = OptimizerSpec::Type::adamw;
  EXPECT_THAT(against(), ElementsAre(HasSubstr("seed is 2"), HasSubstr("optimizer.type")));
}

TEST_F(AJobAndACheckpoint, DoNotFitOverAnotherDataset) {
  dataset_.uuid = "d-2";
  EXPECT_THAT(against(), ElementsAre(HasSubstr("has uuid d-2, the checkpoint's d-1")));
  dataset_.uuid = "d-1";
  dataset_.train.rows = 50;
  EXPECT_THAT(against(), ElementsAre(HasSubstr("has 50 training rows, the checkpoint's 100")));
}

TEST_F(AJobAndACheckpoint, FitWithAnotherMomentumButNotWithNone) {
  job_.optimizer.momentum = 0.8;
  EXPECT_THAT(against(), IsEmpty());
  job_.optimizer.momentum = 0;
  EXPECT_THAT(against(), ElementsAre(HasSubstr("optimizer.momentum")));
}

TEST_F(AJobAndACheckpoint, TellWhatWillBeDoneOtherwise) {
  job_.optimizer.learning_rate = 0.25;
  job_.schedule.milestones = {3};
  EXPECT_THAT(changes(checkpoint_, job_),
              ElementsAre("optimizer.learning_rate is 0.25, the checkpoint's 0.05",
                          HasSubstr("schedule.milestones")));
}

TEST_F(AJobAndACheckpoint, DoNotFitWhereTheManifestHasNoJob) {
  checkpoint_.job = nlohmann::json::array();
  EXPECT_THAT(against(), testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace ringtrain
