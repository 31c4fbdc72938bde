// SPDX-License-Identifier: Apache-2.0
#include "server/client/job_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

const ordered_json kRunning = {{"name", "mnist"},
                               {"state", "Running"},
                               {"why", ""},
                               {"step", 440},
                               {"steps", 1407},
                               {"epoch", 2},
                               {"epochs", 3},
                               {"progress", 0.313},
                               {"loss", 0.3125},
                               {"seconds_left", 9},
                               {"best_accuracy", nullptr},
                               {"samples_per_second", 9120}};

TEST(JobLine, SaysHowFarAJobIs) {
  EXPECT_EQ(
      job_line(kRunning),
      "mnist: Running, epoch 2/3, step 440 of 1,407, loss 0.3125, 9,120 samples/s, 9.0 s left");
  EXPECT_EQ(progress_column(kRunning), "epoch 2/3, 31%");
  ordered_json failed = kRunning;
  failed["state"] = "Failed";
  failed["why"] = "rank 1 of node2: signal 9";
  EXPECT_EQ(job_line(failed),
            "mnist: Failed, epoch 2/3, step 440 of 1,407, loss 0.3125; rank 1 of node2: signal 9");
}

TEST(JobLine, SaysWhyAJobWaits) {
  const ordered_json job = {{"name", "a"}, {"state", "Queued"}, {"why", "waits for 4 of 8 cores"}};
  EXPECT_EQ(job_line(job), "a: Queued: waits for 4 of 8 cores");
  EXPECT_EQ(progress_column(job), "-");
}

TEST(ExitCodeOfJob, IsThatOfItsRun) {
  const auto code = [](const char* state, const ordered_json& exit_code) {
    return exit_code_of_job({{"state", state}, {"exit_code", exit_code}});
  };
  EXPECT_EQ(code("Succeeded", 0), 0);
  EXPECT_EQ(code("Failed", 3), 3);
  EXPECT_EQ(code("Failed", nullptr), 4);
  EXPECT_EQ(code("Suspended", 0), 4);
  EXPECT_FALSE(has_ended({{"state", "Restarting"}}));
  EXPECT_TRUE(has_ended({{"state", "Suspended"}}));
}

}  // namespace
}  // namespace ringtrain::server
