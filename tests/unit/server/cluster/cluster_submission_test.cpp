// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/cluster_submission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string job(const std::string& output, const std::string& kubernetes = "") {
  return "name: mnist\nmodel: lenet\ndataset: /data/mnist.h5\noutput: " + output +
         "\nkubernetes:\n  volumes: [{mount: /data, claim: mnist}]\n" + kubernetes;
}

// The first refusal: "key: message".
std::string refusal(const std::string& text, int ranks = 0) {
  const CheckedJob checked = check_for_cluster({.job_file = text, .ranks = ranks}, "lab");
  if (checked.refusals.empty()) return "";
  return checked.refusals.front().path + ": " + checked.refusals.front().message;
}

TEST(ClusterSubmission, TakesWhatSubmitTakes) {
  const CheckedJob checked = check_for_cluster(
      {.job_file = job("/data/runs/mnist", "  workers: 3\n  slots_per_worker: 2\n"), .by = "alice"},
      "lab");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_EQ(checked.record.cluster, "lab");
  EXPECT_EQ(checked.record.ranks, 6);
  EXPECT_EQ(checked.record.slots, 2);
  EXPECT_EQ(checked.record.dataset, "mnist.h5");
  EXPECT_THAT(checked.record.overrides, IsEmpty());
}

TEST(ClusterSubmission, RefusesWhatCannotRunThereByItsKey) {
  EXPECT_THAT(refusal(job("/elsewhere/mnist")), HasSubstr("output: /elsewhere/mnist is on no"));
  EXPECT_THAT(refusal("name: m\nmodel: lenet\ndataset: d.h5\n"),
              HasSubstr("dataset: d.h5 must be"));
  EXPECT_THAT(refusal(job("/data/m", "  namespace: other\n")),
              HasSubstr("kubernetes.namespace: must be lab"));
  EXPECT_THAT(refusal(job("/data/m", "  slots_per_worker: 2\n"), 3),
              HasSubstr("ranks: must be a multiple of 2"));
  EXPECT_THAT(refusal("model: 3\n"), HasSubstr("model"));
}

TEST(ClusterSubmission, RanksArePods) {
  const CheckedJob checked = check_for_cluster(
      {.job_file = job("/data/runs/mnist", "  slots_per_worker: 2\n"), .ranks = 8}, "lab");
  EXPECT_EQ(checked.record.ranks, 8);
  EXPECT_THAT(checked.record.overrides, ElementsAre("kubernetes.workers=4"));
}

TEST(ClusterSubmission, ACopyGetsAnOutputOfItsOwn) {
  CheckedJob checked = check_for_cluster({.job_file = job("/data/runs/mnist")}, "lab");
  rename_in_cluster(checked, "mnist");
  EXPECT_THAT(checked.record.overrides, IsEmpty());
  rename_in_cluster(checked, "mnist-2");
  EXPECT_EQ(checked.record.name, "mnist-2");
  EXPECT_THAT(checked.record.overrides,
              ElementsAre("name=\"mnist-2\"", "output=\"/data/runs/mnist-2\""));
  CheckedJob other = check_for_cluster({.job_file = job("/data/runs/result")}, "lab");
  try {
    rename_in_cluster(other, "mnist-2");
    FAIL();
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 422);
    EXPECT_THAT(problem.detail(), HasSubstr("/data/runs/result would be written by two jobs"));
  }
}

}  // namespace
}  // namespace ringtrain::server
