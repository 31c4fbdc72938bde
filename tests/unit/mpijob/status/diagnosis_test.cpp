// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(LastWords, AreTheProgramsOwnLineOrElseTheLast) {
  EXPECT_EQ(last_words("a\nringtrain: mnist: rank 1 was ended\nmpirun says more\n"),
            "mnist: rank 1 was ended");
  EXPECT_EQ(last_words("a\nb\n\x1e{\"event\":\"step\"}\n\n"), "b");
  EXPECT_EQ(last_words(""), "");
}

TEST(EventTime, IsTheNewestOfThoseThatAnEventMayHave) {
  EXPECT_FALSE(event_time(json::object()));
  EXPECT_FALSE(event_time(nullptr));
  EXPECT_EQ(event_time({{"firstTimestamp", "2026-11-25T00:00:00Z"},
                        {"lastTimestamp", nullptr},
                        {"series", {{"lastObservedTime", "2026-11-25T00:00:09.5Z"}}}}),
            parse_time("2026-11-25T00:00:09.5Z"));
}

TEST(PodProblem, AnInitContainerCounts) {
  const json pod = json::parse(R"({"metadata": {"name": "w"}, "status": {"phase": "Pending",
    "initContainerStatuses": [{"name": "fetch", "state": {"terminated":
      {"exitCode": 22, "message": "ringtrain: s3://a/b: not found\n"}}}],
    "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "PodInitializing"}}}]
    }})");
  const auto problem = pod_problem(pod, {}, Time{});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->line, "container fetch exited with exit code 22: s3://a/b: not found");
}

TEST(PodProblem, AVolumeThatIsNotBoundIsNoLackOfNodes) {
  const json pod = json::parse(R"({"metadata": {"name": "w"}, "status": {"phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
      "message": "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]
    }})");
  const auto problem = pod_problem(pod, {}, Time{});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, "ClaimUnbound");
}

TEST(PodProblem, OldEventsAreForgotten) {
  const json pod = json::parse(R"({"metadata": {"name": "w"}, "status": {"phase": "Pending",
    "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "ContainerCreating"}}}]
    }})");
  const json event = json::parse(R"({"reason": "FailedMount", "message": "no",
    "involvedObject": {"kind": "Pod", "name": "w"}, "lastTimestamp": "2026-11-25T00:00:00Z"})");
  const Time then = *parse_time("2026-11-25T00:00:00Z");
  EXPECT_TRUE(pod_problem(pod, {event}, then + std::chrono::minutes(1)));
  EXPECT_FALSE(pod_problem(pod, {event}, then + std::chrono::minutes(10)));
}

TEST(CreationProblem, WhateverItIsIsQuoted) {
  EXPECT_THAT(creation_problem("Error creating: pods \"a\" is forbidden: a webhook says no").line,
              HasSubstr("pods cannot be created: pods \"a\" is forbidden: a webhook says no"));
}

}  // namespace
}  // namespace ringtrain::mpijob
