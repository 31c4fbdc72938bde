// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/progress.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace ringtrain::server {
namespace {

class ProgressTest : public testing::Test {
 protected:
  void take(const Event& event) { take_event({event, Time{}, 1}, progress_, series_); }

  Progress progress_;
  SeriesByName series_;
};

TEST_F(ProgressTest, HasTheLatestAndTheBest) {
  StartedEvent started;
  started.world_size = 2;
  started.steps = 100;
  take(started);
  EXPECT_EQ(progress_.run_phase(), RunPhase::training);
  take(StepEvent{.epoch = 1, .epochs = 2, .step = 10, .steps = 100, .loss = 0.5});
  take(EpochEvent{.epoch = 1, .epochs = 2, .step = 50, .train_loss = 0.4, .test_accuracy = 0.9});
  take(EpochEvent{.epoch = 2, .epochs = 2, .step = 100, .train_loss = 0.3, .test_accuracy = 0.8});
  EXPECT_EQ(progress_.figures.step, 100);
  EXPECT_EQ(progress_.figures.ranks, 2);
  EXPECT_EQ(progress_.figures.test_accuracy, 0.8);
  EXPECT_EQ(progress_.figures.best_accuracy, 0.9);
  EXPECT_EQ(series_.at("test_accuracy").buckets().size(), 2u);
  EXPECT_EQ(series_.at("loss").buckets().size(), 1u);
  take(FailureEvent{});
  EXPECT_EQ(progress_.run_phase(), RunPhase::failing);
  ResultEvent end;
  end.result.status = "finished";
  end.result.order_hash = "ab";
  take(end);
  EXPECT_EQ(progress_.run_phase(), RunPhase::finished);
  EXPECT_EQ(progress_.figures.order_hash, "ab");
}

TEST_F(ProgressTest, CountsAttemptsWithoutACheckpoint) {
  for (int attempt = 1; attempt <= 3; ++attempt) progress_.begin_attempt(attempt);
  EXPECT_EQ(progress_.barren, 2);
  take(CheckpointEvent{});
  progress_.begin_attempt(4);
  EXPECT_EQ(progress_.barren, 0);
  EXPECT_TRUE(progress_.has_saved);
}

TEST_F(ProgressTest, KnowsWhatTheRanksSaidOfTheirTimes) {
  StartedEvent started;
  started.world_size = 2;
  take(started);
  take(StepEvent{.step = 3, .samples_per_second = 100});
  take(RanksEvent{.step = 4, .step_seconds = {0.5, 0.25}, .communication_share = 0.2});
  EXPECT_EQ(progress_.figures.step_seconds, (std::vector{0.5, 0.25}));
  EXPECT_FALSE(progress_.ranks_seen.empty());
  EXPECT_EQ(progress_.communication_share, 0.2);
  EXPECT_EQ(progress_.rates, (std::vector{RankRate{2, 100, 1}}));
  EXPECT_EQ(progress_.starts_of_attempt, 1);
  EXPECT_EQ(series_.at("data_share").buckets().size(), 1u);
  const auto back = progress_from_json(progress_to_json(progress_).dump());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->rates, progress_.rates);
  progress_.begin_attempt(2);
  EXPECT_EQ(progress_.starts_of_attempt, 0);
}

TEST_F(ProgressTest, ComesBackFromItsText) {
  progress_.begin_attempt(2);
  progress_.offset = 77;
  StartedEvent started;
  started.placement = {{0, "node1", "cpu"}};
  take(started);
  take(StepEvent{.step = 3, .loss = 0.25});
  const std::string text = progress_to_json(progress_).dump();
  const auto back = progress_from_json(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(progress_to_json(*back).dump(), text);
  EXPECT_EQ(back->offset, 77u);
  EXPECT_EQ(back->figures.placement, progress_.figures.placement);
  EXPECT_FALSE(progress_from_json("[]"));
  EXPECT_FALSE(progress_from_json("{\"attempt\":\"x\"}"));
}

}  // namespace
}  // namespace ringtrain::server
