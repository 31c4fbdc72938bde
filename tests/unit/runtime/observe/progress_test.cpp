// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

class ProgressTest : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStdout(); }
  void TearDown() override {
    if (capturing_) said();
  }
  std::string said() {
    capturing_ = false;
    return testing::internal::GetCapturedStdout();
  }

  bool capturing_ = true;
  TemporaryDirectory folder_;
  Reporter reporter_{/*events=*/true, /*quiet=*/false};
};

TEST_F(ProgressTest, ReportsStepsAFewTimesASecondAtMost) {
  Progress progress(reporter_);
  progress.start(1, 1000);
  for (int step = 1; step <= 100; ++step) progress.step_done(0, step, 1, 32);
  EXPECT_EQ(said(), "");
}

TEST_F(ProgressTest, ReportsStepsOfEpochsThatAreShorterThanTheTimeBetweenReports) {
  Progress progress(reporter_);
  progress.start(100, 100);
  TrainingTotals totals;
  totals.add(1, 1, 32);
  for (int step = 1; step <= 100; ++step) {
    progress.begin_epoch();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    progress.step_done(step - 1, step, 64, 32);
    progress.epoch_done(step - 1, step, 0.5, totals, {}, {});
  }
  const std::string text = said();
  const size_t begin = text.find(R"({"event":"step")");
  ASSERT_NE(begin, std::string::npos) << text;
  const auto report = nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin));
  EXPECT_GT(report["step"], 1);
  EXPECT_EQ(report["epoch"], report["step"]);
  EXPECT_EQ(report["loss"], 2);
  EXPECT_LE(report["samples_per_second"], 32 / 0.005);
}

TEST_F(ProgressTest, ReportsTheTimesOfRanks) {
  Progress progress(reporter_);
  progress.ranks({.step = 7, .step_seconds = {0.5, 0.25}});
  EXPECT_THAT(said(), HasSubstr(R"("step_seconds":[0.5,0.25])"));
}

TEST_F(ProgressTest, WritesAnEpochToTheHistoryAndReportsIt) {
  History history(folder_ / "history.jsonl");
  Progress progress(reporter_, &history);
  progress.start(3, 30);
  TrainingTotals totals;
  totals.add(1, 6, 4);
  progress.epoch_done(1, 20, 0.5, totals, Evaluation{.loss = 0.25, .accuracy = 0.75}, {});
  nlohmann::json line;
  std::ifstream(folder_ / "history.jsonl") >> line;
  EXPECT_EQ(line["epoch"], 2);  // epoch_done() counts from 0
  EXPECT_EQ(line["epochs"], 3);
  EXPECT_EQ(line["step"], 20);
  EXPECT_EQ(line["samples_seen"], 4);
  EXPECT_EQ(line["learning_rate"], 0.5);
  EXPECT_EQ(line["train_loss"], 1.5);
  EXPECT_EQ(line["test_loss"], 0.25);
  EXPECT_EQ(line["test_accuracy"], 0.75);
  EXPECT_TRUE(line["step_seconds"].is_null());
  EXPECT_THAT(said(), HasSubstr(R"("event":"epoch")"));
}

TEST_F(ProgressTest, WritesTheErrorsOfTargetsAndNoAccuracy) {
  History history(folder_ / "history.jsonl");
  Progress progress(reporter_, &history);
  progress.start(1, 10);
  progress.epoch_done(0, 10, 0.5, {},
                      Evaluation{.loss = 0.25, .rmse = std::vector{2.5}, .mae = std::vector{2.0}},
                      {});
  nlohmann::json line;
  std::ifstream(folder_ / "history.jsonl") >> line;
  EXPECT_EQ(line["test_rmse"], nlohmann::json({2.5}));
  EXPECT_EQ(line["test_mae"], nlohmann::json({2.0}));
  EXPECT_TRUE(line["test_accuracy"].is_null());
  said();
}

TEST_F(ProgressTest, WarnsAndContinuesIfTheHistoryCannotBeWritten) {
  History history(folder_ / "history.jsonl");
  Progress progress(reporter_, &history);
  progress.start(3, 30);
  std::filesystem::remove(folder_ / "history.jsonl");
  std::filesystem::create_directory(folder_ / "history.jsonl");
  progress.epoch_done(0, 10, 0.5, {}, {}, {});
  EXPECT_THAT(said(), testing::AllOf(HasSubstr("training continues"), HasSubstr("\"epoch\"")));
}

}  // namespace
}  // namespace ringtrain
