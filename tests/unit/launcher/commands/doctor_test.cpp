// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "launcher/commands/doctor_gpu.hpp"

namespace ringtrain::launcher {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using Status = Finding::Status;

const Finding kGood{"cores", Status::good, "2 cores", ""};                      // NOLINT
const Finding kMissing{"ssh", Status::missing, "no ssh", "only for hosts"};     // NOLINT
const Finding kBad{"/dev/shm", Status::bad, "64 MiB", "mount a larger tmpfs"};  // NOLINT

TEST(Doctor, LetsARunOnCpuDoWithoutGpuAndSsh) {
  EXPECT_TRUE(can_train({kGood, kMissing}));
  EXPECT_FALSE(can_train({kGood, kBad}));
}

TEST(Doctor, PrintsAFindingWithItsAdvice) {
  const std::string text = print_findings({kGood, kMissing, kBad});
  EXPECT_THAT(text, HasSubstr("ok       cores     2 cores\n"));
  EXPECT_THAT(text, HasSubstr("missing  ssh       no ssh\n"));
  EXPECT_THAT(text, HasSubstr("mount a larger tmpfs\n"));
  EXPECT_THAT(text, EndsWith("A run on CPU will not work until the bad findings are mended.\n"));
  EXPECT_THAT(print_findings({kGood}), EndsWith("A run on CPU will work.\n"));
}

TEST(Doctor, GivesTheSameAsJson) {
  const auto json = findings_to_json({kGood, kBad});
  EXPECT_EQ(json["can_train"], false);
  EXPECT_EQ(json["findings"][1]["status"], "bad");
  EXPECT_EQ(json["findings"][1]["advice"], "mount a larger tmpfs");
}

TEST(Doctor, FindsNoGpuWithoutCallingThatBad) {
  EXPECT_NE(examine_gpu().status, Status::bad);
  EXPECT_NE(examine_nccl().status, Status::bad);
}

}  // namespace
}  // namespace ringtrain::launcher
