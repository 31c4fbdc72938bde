// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/plan.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

JobSpec job(int64_t epochs, int64_t batch_size) {
  JobSpec spec;
  spec.epochs = epochs;
  spec.batch_size = batch_size;
  return spec;
}

TEST(Plan, KnowsStepsAndTimeFromJobsOfTheSameData) {
  const std::vector<EarlierJob> earlier = {{"other-batch", 64, 100, 2}, {"same-batch", 32, 495, 5}};
  const Plan plan = plan_of(job(2, 32), 2, earlier, {{1, 100}, {2, 200}});
  EXPECT_EQ(plan.steps, 198);
  EXPECT_EQ(plan.like, "same-batch");
  EXPECT_DOUBLE_EQ(*plan.seconds, 198 * 32 / 200.0);
}

TEST(Plan, CountsWhatTheJobItselfSays) {
  JobSpec spec = job(3, 32);
  spec.samples = 100;
  EXPECT_EQ(plan_of(spec, 1, {}, {}).steps, 12);
  spec.max_steps = 5;
  EXPECT_EQ(plan_of(spec, 1, {}, {}).steps, 5);
}

TEST(Plan, SaysNothingThatItDoesNotKnow) {
  const Plan plan = plan_of(job(3, 32), 1, {{"never-started", 32, 0, 0}}, {});
  EXPECT_FALSE(plan.steps);
  EXPECT_EQ(plan_to_json(plan, 2, 1).dump(),
            R"({"steps":null,"seconds":null,"like":null,"starts":"later"})");
}

}  // namespace
}  // namespace ringtrain::server
