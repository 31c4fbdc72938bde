// SPDX-License-Identifier: Apache-2.0
#include "runtime/job/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/job/refusal.hpp"

namespace ringtrain {
namespace {

// A job whose every value differs from the default.
JobSpec unusual_job() {
  JobSpec job;
  job.name = "odd";
  job.model = "models/x.pt";
  job.hidden = {7, 9};
  job.dataset = "d.h5";
  job.epochs = 9;
  job.max_steps = 77;
  job.batch_size = 96;
  job.accumulate = 3;
  job.seed = 9007199254740991;
  job.precision = JobSpec::Precision::bf16;
  job.device = JobSpec::Device::cuda;
  job.optimizer = {OptimizerSpec::Type::lars, 1.0 / 3, 0.7, true, 1e-4, 0.8, 0.95, 1e-6, 0.02};
  job.schedule = {ScheduleSpec::Type::step, 0.1, {1.5, 2}, 0.3, 0.01};
  job.augment = {4, true};
  job.communication = {CommunicationSpec::Backend::nccl,
                       CommunicationSpec::Algorithm::ring,
                       0.7,
                       CommunicationSpec::Wire::bf16,
                       5,
                       true,
                       12.5};
  job.checkpoint = {3, 100, 60.5, 5, "runs/old/checkpoints/7"};
  job.rollback = {2.5, 20, 7};
  job.initialize_from = "runs/old/model.safetensors";
  job.label_smoothing = 0.1;
  job.clip_norm = 1.1;
  job.max_skipped_steps = 2;
  job.evaluate_every_epochs = 4;
  job.output = "out/put";
  job.workers = {2, 8};
  job.restarts = 1;
  job.trace = true;
  return job;
}

TEST(JobJson, ComesBackAsItWas) {
  EXPECT_EQ(job_from_json(print_job(unusual_job())), unusual_job());
  EXPECT_EQ(job_from_json(print_job(JobSpec{})), JobSpec{});
}

TEST(JobJson, IsOneLine) {
  EXPECT_THAT(print_job(unusual_job()), testing::Not(testing::HasSubstr("\n")));
}

// Every leaf must differ, so that a key forgotten on either side cannot hide behind its default.
TEST(JobJson, HoldsEveryKey) {
  const auto odd = job_to_json(unusual_job()).flatten();
  const auto plain = job_to_json(JobSpec{}).flatten();
  for (const auto& [key, value] : plain.items()) {
    ASSERT_TRUE(odd.contains(key) || key == "/hidden" || key == "/schedule/milestones") << key;
    if (odd.contains(key)) {
      EXPECT_NE(odd[key], value) << key;
    }
  }
}

TEST(JobJson, RefusesOtherTexts) {
  const auto message = [](std::string_view text) { return refusal([&] { job_from_json(text); }); };
  EXPECT_THAT(message("{"), testing::StartsWith("not a job: "));
  EXPECT_THAT(message("[]"), testing::StartsWith("not a job: "));
  EXPECT_THAT(message(R"({"epochs": "x"})"), testing::StartsWith("not a job: "));
}

}  // namespace
}  // namespace ringtrain
