// SPDX-License-Identifier: Apache-2.0
#include "tracking/job_figures.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::tracking {
namespace {

class JobFiguresTest : public testing::Test {
 protected:
  // seconds: since the beginning of the test.
  void take(double seconds, const Event& event) {
    const auto since = std::chrono::duration_cast<Time::duration>(
        std::chrono::duration<double>(1'000'000 + seconds));
    figures_.take({event, Time(since), 1});
  }
  void start(double seconds, int64_t from_step = 0) {
    take(seconds, StartedEvent{.placement = {{0, "n1", "cpu"}, {1, "n2", "cpu"}},
                               .world_size = 2,
                               .from_step = from_step,
                               .steps = 100,
                               .epochs = 2,
                               .communication = "mpi",
                               .startup_seconds = 2});
  }
  void step(double seconds, int64_t step) {
    take(seconds, StepEvent{.epoch = 1, .epochs = 2, .step = step, .steps = 100, .loss = 0.5});
  }
  void ranks(double seconds, int64_t step, double compute, double communication) {
    take(seconds,
         RanksEvent{.step = step,
                    .samples_seen = static_cast<uint64_t>(step) * 8,
                    .step_seconds = {0.5, 0.25},
                    .seconds = {.compute = compute, .exposed_communication = communication}});
  }
  double phase(const std::string& name) const {
    for (const auto& [phase, seconds] : figures_.seconds_by_phase()) {
      if (phase == name) return seconds;
    }
    return -1;
  }

  JobFigures figures_;
};

TEST_F(JobFiguresTest, HaveTheLatestValues) {
  start(0);
  step(5, 10);
  ranks(10, 20, 7, 1);
  take(11, CheckpointEvent{.step = 20, .path = "c"});
  take(12, EpochEvent{.epoch = 1,
                      .epochs = 2,
                      .step = 50,
                      .samples_seen = 400,
                      .train_loss = 0.25,
                      .test_loss = 0.125,
                      .test_accuracy = 0.75,
                      .seconds = 12});
  EXPECT_EQ(figures_.step, 50);
  EXPECT_EQ(figures_.steps_made, 50);
  EXPECT_EQ(figures_.samples, 400u);
  EXPECT_EQ(figures_.loss, 0.5);
  EXPECT_EQ(figures_.test_accuracy, 0.75);
  EXPECT_EQ(figures_.epoch_seconds, 12);
  EXPECT_EQ(figures_.checkpoints, 1);
  EXPECT_EQ(figures_.last_checkpoint, 1'000'011);
  EXPECT_EQ(figures_.step_seconds[1], 0.25);
  EXPECT_EQ(phase("startup"), 2);
  EXPECT_EQ(phase("compute"), 7);
  EXPECT_EQ(phase("communication"), 1);
  EXPECT_EQ(phase("lost"), 0);
}

TEST_F(JobFiguresTest, CountTheWayBackAfterALossAsLost) {
  start(0);
  ranks(8, 40, 6, 2);
  take(9, CheckpointEvent{.step = 40, .path = "c"});
  ranks(16, 80, 12, 4);
  step(17, 85);
  take(18, LostHostEvent{"n2"});
  start(21, 40);
  EXPECT_EQ(figures_.step, 40);
  EXPECT_EQ(figures_.restarts, (std::map<std::string, int64_t>{{"host_lost", 1}}));
  ranks(25, 60, 3, 1);  // on the way back
  EXPECT_EQ(phase("compute"), 12);
  step(30, 85);                  // back
  EXPECT_EQ(phase("lost"), 12);  // from 18 to 30
  ranks(33, 100, 9, 3);          // 12 s since 21, of which 9 were on the way back
  EXPECT_DOUBLE_EQ(phase("compute"), 12 + 9 * 0.25);
  EXPECT_DOUBLE_EQ(phase("communication"), 4 + 3 * 0.25);
  EXPECT_EQ(phase("startup"), 2);
  EXPECT_EQ(figures_.steps_made, 85 + 60);
  EXPECT_EQ(figures_.samples, 145u * 8);
}

TEST_F(JobFiguresTest, DoNotCountAStopAsALoss) {
  start(0);
  ranks(8, 40, 6, 2);
  take(9, StoppedEvent{.step = 40, .steps = 100, .samples_seen = 320, .checkpoint = "c"});
  start(100, 40);
  ranks(110, 50, 8, 0);
  EXPECT_EQ(phase("lost"), 0);
  EXPECT_EQ(phase("compute"), 14);
  EXPECT_EQ(phase("startup"), 4);
  EXPECT_EQ(figures_.restarts.at("stopped"), 1);
}

TEST_F(JobFiguresTest, NameTheCausesOfRestarts) {
  start(0);
  start(1);
  take(2, FailureEvent{.host = "n1", .message = "CUDA out of memory"});
  start(3);
  EXPECT_EQ(figures_.restarts, (std::map<std::string, int64_t>{{"failure", 1}, {"killed", 1}}));
}

TEST_F(JobFiguresTest, TakeTheFinalSecondsOfTheResult) {
  start(0);
  ranks(8, 40, 6, 2);
  Result result;
  result.status = "finished";
  result.steps = 100;
  result.samples_seen = 790;
  result.seconds = {.total = 30, .startup = 3, .compute = 15, .evaluate = 4};
  result.order_hash = "ab";
  take(30, ResultEvent{result});
  take(31, ResultEvent{result});  // of a run that found it complete
  EXPECT_EQ(phase("compute"), 15);
  EXPECT_EQ(phase("startup"), 2);
  EXPECT_EQ(phase("evaluate"), 4);
  EXPECT_EQ(figures_.samples, 790u);
  EXPECT_TRUE(figures_.is_finished);
}

TEST_F(JobFiguresTest, ComeBackFromJson) {
  start(0);
  step(5, 10);
  ranks(10, 20, 7, 1);
  start(12);
  const nlohmann::ordered_json json = figures_;
  EXPECT_EQ(json.get<JobFigures>(), figures_);
}

}  // namespace
}  // namespace ringtrain::tracking
