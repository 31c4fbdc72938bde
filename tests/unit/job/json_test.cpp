// SPDX-License-Identifier: Apache-2.0
#include "job/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/job/refusal.hpp"
#include "tests/unit/job/unusual_job.hpp"

namespace ringtrain {
namespace {

TEST(JobJson, ComesBackAsItWas) {
  EXPECT_EQ(job_from_json(print_job(unusual_job())), unusual_job());
  EXPECT_EQ(job_from_json(print_job(JobSpec{})), JobSpec{});
}

TEST(JobJson, IsOneLine) {
  EXPECT_THAT(print_job(unusual_job()), testing::Not(testing::HasSubstr("\n")));
}

// Every leaf must differ, so that a key forgotten on either side cannot hide behind its default. A
// job has one of two crops.
TEST(JobJson, HoldsEveryKey) {
  const auto odd = job_to_json(unusual_job()).flatten();
  const auto plain = job_to_json(JobSpec{}).flatten();
  for (const auto& [key, value] : plain.items()) {
    const bool is_empty = value.is_null() || value.empty();  // a list or group without members
    ASSERT_TRUE(odd.contains(key) || is_empty) << key;
    if (odd.contains(key) && key != "/augment/crop_padding") {
      EXPECT_NE(odd[key], value) << key;
    }
  }
}

TEST(JobJson, LeavesOutKeysWithoutAValue) {
  const auto plain = job_to_json(JobSpec{});
  for (const char* key : {"name", "output", "max_steps", "initialize_from", "kubernetes"}) {
    EXPECT_FALSE(plain.contains(key)) << key;
  }
}

TEST(JobJson, RefusesOtherTexts) {
  const auto message = [](std::string_view text) { return refusal([&] { job_from_json(text); }); };
  EXPECT_THAT(message("{"), testing::StartsWith("not a job: "));
  EXPECT_THAT(message("[]"), testing::StartsWith("not a job: "));
  EXPECT_THAT(message(R"({"epochs": "x"})"), testing::StartsWith("not a job: "));
  EXPECT_EQ(message(R"({"device": "tpu"})"), "not a job: unknown device \"tpu\"");
  EXPECT_EQ(message(R"({"optimizer": 5})"), "not a job: 5 is no group of keys");
}

}  // namespace
}  // namespace ringtrain
