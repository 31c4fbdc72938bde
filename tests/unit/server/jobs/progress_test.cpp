// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/temporary_directory.hpp"

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
  EXPECT_EQ(progress_.step, 100);
  EXPECT_EQ(progress_.ranks, 2);
  EXPECT_EQ(progress_.test_accuracy, 0.8);
  EXPECT_EQ(progress_.best_accuracy, 0.9);
  EXPECT_EQ(series_.at("test_accuracy").buckets().size(), 2u);
  EXPECT_EQ(series_.at("loss").buckets().size(), 1u);
  take(FailureEvent{});
  EXPECT_EQ(progress_.run_phase(), RunPhase::failing);
  ResultEvent end;
  end.result.status = "finished";
  end.result.order_hash = "ab";
  take(end);
  EXPECT_EQ(progress_.run_phase(), RunPhase::finished);
  EXPECT_EQ(progress_.order_hash, "ab");
}

TEST_F(ProgressTest, CountsAttemptsWithoutACheckpoint) {
  for (int attempt = 1; attempt <= 3; ++attempt) progress_.begin_attempt(attempt);
  EXPECT_EQ(progress_.barren, 2);
  take(CheckpointEvent{});
  progress_.begin_attempt(4);
  EXPECT_EQ(progress_.barren, 0);
  EXPECT_TRUE(progress_.has_saved);
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
  EXPECT_EQ(back->placement, progress_.placement);
  EXPECT_FALSE(progress_from_json("[]"));
  EXPECT_FALSE(progress_from_json("{\"attempt\":\"x\"}"));
}

TEST(ReadEvents, TakesWholeLinesOnceAndPassesOverOthers) {
  const TemporaryDirectory folder;
  const auto file = folder / "events.jsonl";
  uint64_t offset = 0;
  int found = 0;
  const auto read = [&] { return read_events(file, offset, [&](const EventRecord&) { ++found; }); };
  EXPECT_FALSE(read());
  const std::string line = print_event(LogEvent{"info", "one"}, 1).substr(1);
  std::ofstream(file) << line << "\nnot json\n{\"event\":\"unknown\"}\n" << line.substr(0, 9);
  EXPECT_FALSE(read());
  EXPECT_EQ(found, 1);
  EXPECT_FALSE(read());
  EXPECT_EQ(found, 1);
  std::ofstream(file, std::ios::app) << line.substr(9) << "\n";
  read();
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace ringtrain::server
