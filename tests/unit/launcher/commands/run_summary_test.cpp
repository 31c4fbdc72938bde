// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ringtrain::launcher {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RunSummary : public testing::Test {
 protected:
  RunSummary() {
    result_.name = "digits";
    result_.ranks = 1;
    result_.steps = 1;
    result_.train_loss = 0.25;
    result_.test_accuracy = 0.98765;
    result_.samples_per_second = 1234;
    result_.seconds.total = 4.2;
    result_.model = "runs/digits/model.safetensors";
    options_.job_file = "digits.yaml";
    job_.epochs = 3;
  }

  std::string text(const NextPrograms& programs = {.ringtrain = "ringtrain", .python = ""}) const {
    return run_summary(result_, options_, job_, programs);
  }

  Result result_;
  RunOptions options_;
  JobSpec job_;
};

TEST_F(RunSummary, IsAFewLines) {
  EXPECT_EQ(text(),
            "digits: test accuracy 98.77%, train loss 0.2500; 1 step on 1 rank in 4.2 s, 1,234 "
            "samples/s\n"
            "  model  runs/digits/model.safetensors and runs/digits/model.pt\n"
            "  next   ringtrain run digits.yaml --set epochs=6   # for longer\n");
}

TEST_F(RunSummary, SaysTheErrorsOfARegression) {
  result_.test_accuracy.reset();
  result_.test_rmse = {2.5};
  result_.test_mae = {1.25};
  EXPECT_THAT(text(), StartsWith("digits: test rmse 2.5, mae 1.25, train loss 0.2500; "));
}

TEST_F(RunSummary, RepeatsTheRunsOwnOptions) {
  options_.ranks = 4;
  options_.hostfile = "my hosts";
  options_.discover = "./discover";
  options_.overrides = {"epochs=3", "output=it's here", "max_steps=100"};
  job_.max_steps = 100;
  EXPECT_THAT(text(),
              EndsWith("  next   ringtrain run digits.yaml -n 4 --hostfile 'my hosts' --discover "
                       "./discover --set 'output=it'\\''s here' --set epochs=6 --set "
                       "max_steps=200   # for longer\n"));
}

TEST_F(RunSummary, NamesThePythonThatHasTorch) {
  result_.model = "my \"runs\"/model.safetensors";
  EXPECT_THAT(text({.ringtrain = "build/cpu/bin/ringtrain", .python = "python3"}),
              EndsWith("  next   python3 -c 'import torch; print(torch.jit.load(\"my "
                       "\\\"runs\\\"/model.pt\"))'\n"
                       "         build/cpu/bin/ringtrain run digits.yaml --set epochs=6   # for "
                       "longer\n"));
}

TEST_F(RunSummary, NamesASlowRankAtTheThresholdOfTheLog) {
  result_.slowest = RankSpeed{.rank = 1, .host = "node2", .seconds = 0.149, .median = 0.1};
  EXPECT_THAT(text(), Not(HasSubstr("slow")));
  result_.slowest->seconds = 0.151;
  EXPECT_THAT(text(), HasSubstr("  slow   rank 1 on node2: 1.51 times the others' time a step\n"));
}

TEST_F(RunSummary, SaysWhatWasLost) {
  result_.recovery = RecoverySummary{1, 4.5, 10, 1280, {"rank 1 was lost"}};
  EXPECT_THAT(text(), HasSubstr("  lost   4.5 s in 1 restart, 1,280 samples redone\n"));
}

TEST(NextPrograms, ProposeNoPythonWhereThereIsNoModel) {
  Result result;
  result.model = "/nowhere/model.safetensors";
  const NextPrograms found = find_next_programs(result);
  EXPECT_EQ(found.python, "");
  EXPECT_THAT(found.ringtrain, Not(StartsWith("..")));
}

}  // namespace
}  // namespace ringtrain::launcher
