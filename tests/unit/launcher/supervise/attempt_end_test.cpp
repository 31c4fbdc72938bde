// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/attempt_end.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace ringtrain::launcher {
namespace {

using Kind = AttemptEnd::Kind;

FailureEvent failure(int exit_code, const std::string& message) {
  FailureEvent event;
  event.exit_code = exit_code;
  event.rank = 1;
  event.host = "h";
  event.message = message;
  return event;
}

TEST(AttemptEnd, OfAStopSaysWhereTheSameCommandResumes) {
  const AttemptEnd end = AttemptEnd::stopped(SIGTERM, 1200);
  EXPECT_EQ(end.kind, Kind::stopped);
  EXPECT_EQ(end.exit_code, 128 + SIGTERM);
  EXPECT_EQ(end.cause,
            "stopped by signal 15 (Terminated); the same command resumes from step 1,200");
  EXPECT_EQ(AttemptEnd::stopped(SIGTERM, {}).cause, "stopped by signal 15 (Terminated)");
}

TEST(AttemptEnd, OfARefusalHasTheWorkersExitCode) {
  const AttemptEnd data = AttemptEnd::refused(failure(3, "bad block"));
  EXPECT_EQ(data.kind, Kind::refused);
  EXPECT_EQ(data.exit_code, 3);
  EXPECT_EQ(data.cause, "bad block");
  const AttemptEnd other = AttemptEnd::refused(failure(77, "loss is not finite"));
  EXPECT_EQ(other.exit_code, 4);
  EXPECT_EQ(other.cause, "rank 1 on h: loss is not finite");
}

TEST(AttemptEnd, OfALossIsAFailureUntilRestarted) {
  EXPECT_EQ(AttemptEnd::lost("why").exit_code, 4);
  EXPECT_EQ(AttemptEnd::lost("why").cause, "why");
  EXPECT_EQ(AttemptEnd::released().kind, Kind::released);
  EXPECT_TRUE(AttemptEnd::finished({}).result);
}

}  // namespace
}  // namespace ringtrain::launcher
