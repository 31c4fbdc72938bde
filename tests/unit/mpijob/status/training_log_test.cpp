// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/training_log.hpp"

#include <gtest/gtest.h>

#include "mpijob/status/print_status.hpp"

namespace ringtrain::mpijob {
namespace {

constexpr const char* kStarted =
    "2026-11-25T00:33:15.5Z \x1e{\"event\":\"started\",\"world_size\":2,\"placement\":["
    "{\"rank\":0,\"host\":\"mnist-worker-0.mnist.lab.svc\",\"device\":\"cpu\"},"
    "{\"rank\":1,\"host\":\"mnist-worker-1\",\"device\":\"cpu\"}]}";
constexpr const char* kStep =
    "2026-11-25T00:33:20Z \x1e{\"event\":\"step\",\"epoch\":2,\"epochs\":3,\"step\":44,"
    "\"steps\":100,\"loss\":0.5,\"samples_per_second\":6712,\"seconds_left\":12}";
constexpr const char* kFailure =
    "2026-11-25T00:33:21Z \x1e{\"event\":\"failure\",\"exit_code\":4,\"rank\":1,\"host\":\"h\","
    "\"message\":\"gone\"}";

TrainingLog log_of(const std::vector<const char*>& lines) {
  TrainingLog log;
  for (const char* line : lines) log.take(line);
  return log;
}

JobPicture picture(const TrainingLog& log) {
  JobPicture result;
  result.status.name = "mnist";
  result.status.state = "Running";
  result.status.pods = {{"mnist-worker-0", "worker", 0, "node1", "Running", 0, "", ""},
                        {"mnist-worker-1", "worker", 1, "node2", "Running", 0, "", ""}};
  result.log = log;
  result.now = *parse_time("2026-11-25T00:33:22Z");
  return result;
}

TEST(TrainingLog, KnowsHowFarTheTrainingIs) {
  const TrainingLog log =
      log_of({"2026-11-25T00:33:14Z on a: rank 0 (cpu)", kStarted, kStep, "junk"});
  EXPECT_TRUE(log.is_training());
  ASSERT_TRUE(log.step());
  EXPECT_EQ(log.step()->step, 44);
  EXPECT_EQ(log.step_at(), parse_time("2026-11-25T00:33:20Z"));
  EXPECT_EQ(log.cause(), "");
}

TEST(TrainingLog, AFailureEndsItUntilTheNextStart) {
  TrainingLog log = log_of({kStarted, kStep, kFailure});
  EXPECT_FALSE(log.is_training());
  EXPECT_EQ(log.cause(), "rank 1 on h: gone");
  log.take("2026-11-25T00:33:22Z ringtrain: mnist: rank 1 on h was ended by signal 9");
  EXPECT_EQ(log.cause(), "mnist: rank 1 on h was ended by signal 9");
  log.take(kStarted);
  EXPECT_TRUE(log.is_training());
  EXPECT_FALSE(log.step());
  EXPECT_EQ(log.cause(), "");
}

TEST(TrainingLog, NamesTheRankOfAScriptThatFailedFirst) {
  TrainingLog log = log_of({kStarted});
  EXPECT_TRUE(log.is_training());
  log.take(
      "2026-11-25T00:33:21Z \x1e{\"event\":\"rank_ended\",\"rank\":0,\"host\":\"a\","
      "\"exit_code\":1,\"message\":\"lost\",\"consequence\":true}");
  log.take(
      "2026-11-25T00:33:21Z \x1e{\"event\":\"rank_ended\",\"rank\":1,\"host\":\"b\","
      "\"exit_code\":1,\"message\":\"ValueError: x (a.py:3)\"}");
  EXPECT_FALSE(log.is_training());
  EXPECT_EQ(log.cause(), "rank 1 on b: ValueError: x (a.py:3)");
}

TEST(TrainingLog, APlacementThatIsRepeatedChangesNothing) {
  EXPECT_TRUE(log_of({kStarted, kStep, kStarted}).step());
  // After a rotation of the log steps may be all that is left.
  EXPECT_TRUE(log_of({kStep}).is_training());
}

TEST(PrintStatus, HasTheStepAndThePlaceOfEveryRank) {
  const JobPicture shown = picture(log_of({kStarted, kStep}));
  EXPECT_EQ(status_line(shown),
            "mnist: Running, epoch 2/3, step 44 of 100, loss 0.5000, 6,712 samples/s, 12 s left");
  const auto json = status_to_json(shown);
  EXPECT_EQ(json["ranks"][0]["pod"], "mnist-worker-0");
  EXPECT_EQ(json["ranks"][1]["node"], "node2");
  EXPECT_EQ(json["training"]["step"], 44);
  EXPECT_NE(print_status(shown).find("mnist-worker-1  node2  Running  0         1 (cpu)"),
            std::string::npos);
}

TEST(PrintStatus, HasTheRanksOfAScript) {
  const JobPicture shown = picture(
      log_of({"2026-11-25T00:33:15.5Z \x1e{\"event\":\"started\",\"world_size\":2,\"placement\":["
              "{\"rank\":0,\"host\":\"mnist-worker-0\",\"device\":\"\"},"
              "{\"rank\":1,\"host\":\"mnist-worker-1\",\"device\":\"\"}]}"}));
  EXPECT_EQ(status_line(shown), "mnist: Running, 2 ranks");
  EXPECT_EQ(print_status(shown).find("()"), std::string::npos);
}

TEST(PrintStatus, AStepOfLongAgoSaysSo) {
  JobPicture shown = picture(log_of({kStarted, kStep}));
  shown.now += std::chrono::minutes(10);
  EXPECT_NE(status_line(shown).find("12 s left, 10m ago"), std::string::npos);
}

}  // namespace
}  // namespace ringtrain::mpijob
