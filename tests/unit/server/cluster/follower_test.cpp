// SPDX-License-Identifier: Apache-2.0
// The follower, against an API server that keeps objects.
#include "server/cluster/follower.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/outcome_file.hpp"
#include "server/cluster/cluster_run.hpp"
#include "tests/unit/mpijob/objects/fake_api_server.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;

constexpr const char* kMark = "store/mnist/now";

json condition(const char* type) { return {{"type", type}, {"status", "True"}}; }

json mpijob(const std::string& mark, const json& conditions = json::array()) {
  return {{"apiVersion", "kubeflow.org/v2beta1"},
          {"kind", "MPIJob"},
          {"metadata",
           {{"name", "mnist"},
            {"namespace", "lab"},
            {"uid", "the uid"},
            {"annotations", {{kMarkAnnotation, mark}}}}},
          {"spec", {{"mpiReplicaSpecs", {{"Worker", {{"replicas", 1}}}}}}},
          {"status", {{"conditions", conditions}}}};
}

json launcher(const std::string& name, const char* phase, int exit_code) {
  const json ended = {{"terminated", {{"exitCode", exit_code}}}};
  return {{"kind", "Pod"},
          {"metadata",
           {{"name", name},
            {"creationTimestamp", "2026-11-25T00:00:00Z"},
            {"labels",
             {{"training.kubeflow.org/job-name", "mnist"},
              {"training.kubeflow.org/job-role", "launcher"}}}}},
          {"spec", {{"nodeName", "node1"}}},
          {"status", {{"phase", phase}, {"containerStatuses", json::array({{{"state", ended}}})}}}};
}

class FollowerTest : public testing::Test {
 protected:
  FollowerTest() {
    folder_.write("job.yaml",
                  "name: mnist\nmodel: lenet\ndataset: /data/d.h5\noutput: /data/mnist\n"
                  "kubernetes:\n  volumes: [{mount: /data, claim: mnist}]\n");
    folder_.write("ca.crt", server_.authority());
    folder_.write("kubeconfig",
                  fmt::format("apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                              "clusters: [{{name: c, cluster: {{server: '{}', "
                              "certificate-authority: ca.crt}}}}]\n"
                              "users: [{{name: u, user: {{token: t}}}}]\n"
                              "contexts: [{{name: c, context: {{cluster: c, user: u, namespace: "
                              "lab}}}}]\n",
                              server_.url()));
    std::filesystem::create_directories(run());
  }
  std::filesystem::path run() const { return folder_ / "run"; }
  int follow(bool remove = false) {
    return follow_run({.folder = run(),
                       .job_file = folder_ / "job.yaml",
                       .mark = kMark,
                       .remove = remove,
                       .cluster = {(folder_ / "kubeconfig").string(), "", ""}});
  }
  Outcome outcome() const { return read_outcome(run() / "outcome.json").value_or(Outcome{}); }

  const TemporaryDirectory folder_;
  mpijob::FakeApiServer server_;
};

TEST_F(FollowerTest, MakesTheMpiJobWithItsMarkAndFollowsItToItsEnd) {
  // The operator's part: a job that has just been made is complete.
  server_.on_create([](json& object) {
    if (object["kind"] != "MPIJob") return;
    object["status"]["conditions"] = json::array({condition("Succeeded")});
  });
  server_.put("pods/mnist-launcher-x", launcher("mnist-launcher-x", "Succeeded", 0));
  server_.put_log("mnist-launcher-x",
                  "2026-11-25T00:00:01Z ringtrain: starts\n2026-11-25T00:00:02Z "
                  "\x1e{\"event\":\"checkpoint\",\"step\":7}\n");
  EXPECT_EQ(follow(), 0);
  EXPECT_EQ(outcome().status, RunStatus::finished);
  const json made = server_.objects().at("mpijobs/mnist");
  EXPECT_EQ(made["metadata"]["annotations"][kMarkAnnotation], kMark);
  EXPECT_THAT(read_file(run() / "train.log"), HasSubstr("ringtrain: starts"));
  EXPECT_THAT(read_file(run() / "events.jsonl"), HasSubstr("\"step\":7"));
  const auto seen = read_cluster_run(run());
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, "Succeeded");
  ASSERT_EQ(seen->pods.size(), 1u);
  EXPECT_EQ(seen->pods[0].node, "node1");
}

TEST_F(FollowerTest, TakesUpTheMpiJobThatAnEarlierFollowerMade) {
  server_.put("mpijobs/mnist", mpijob(kMark, json::array({condition("Succeeded")})));
  write_cluster_run(run(), {.uid = "the uid", .started = "2026-11-25T00:00:00Z"});
  EXPECT_EQ(follow(), 0);
  EXPECT_EQ(print_time(outcome().started), "2026-11-25T00:00:00Z");
  EXPECT_THAT(server_.objects(), Not(Contains(Key("configmaps/mnist-job"))));  // none is made again
}

TEST_F(FollowerTest, AFailedLauncherGivesItsExitCode) {
  server_.put("mpijobs/mnist", mpijob(kMark, json::array({condition("Failed")})));
  server_.put("jobs/mnist-launcher",
              {{"metadata", {{"name", "mnist-launcher"}}},
               {"status", {{"conditions", json::array({condition("Failed")})}}}});
  server_.put("pods/mnist-launcher-x", launcher("mnist-launcher-x", "Failed", 3));
  write_cluster_run(run(), {.uid = "the uid"});
  EXPECT_EQ(follow(), 3);
  EXPECT_EQ(outcome().status, RunStatus::failed);
  EXPECT_EQ(outcome().exit_code, 3);
}

TEST_F(FollowerTest, AnotherJobsMpiJobIsNotTouched) {
  server_.put("mpijobs/mnist", mpijob("somebody else's"));
  try {
    follow();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("namespace lab has an MPIJob mnist already"));
  }
  EXPECT_EQ(follow(true), 0);  // removal, too
  EXPECT_THAT(server_.objects(), Contains(Key("mpijobs/mnist")));
}

TEST_F(FollowerTest, AnMpiJobThatSomebodyDeletedIsSaid) {
  write_cluster_run(run(), {.uid = "the uid"});
  EXPECT_EQ(follow(), kExitFailed);
  EXPECT_THAT(outcome().cause, HasSubstr("its MPIJob was deleted from namespace lab"));
}

TEST_F(FollowerTest, RemovesWhatIsItsOwn) {
  server_.put("mpijobs/mnist", mpijob(kMark));
  write_cluster_run(run(), {.uid = "the uid"});
  write_cluster_wish(run(), {.remove = true});
  EXPECT_EQ(follow(true), 0);
  EXPECT_TRUE(is_removed_from_cluster(run()));
  EXPECT_THAT(server_.objects(), Not(Contains(Key("mpijobs/mnist"))));
}

TEST_F(FollowerTest, AJobThatWasStoppedBeforeItBeganMakesNothing) {
  write_cluster_wish(run(), {.suspend = true});
  EXPECT_EQ(follow(), 0);
  EXPECT_EQ(outcome().status, RunStatus::cancelled);
  EXPECT_TRUE(server_.objects().empty());
}

}  // namespace
}  // namespace ringtrain::server
