// SPDX-License-Identifier: Apache-2.0
// Jobs of a server that runs them in a cluster, with a script in place of keeper and follower.
#include "server/cluster/cluster_run.hpp"
#include "tests/unit/server/jobs_fixture.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

class ClusterJobsTest : public JobsTest {
 protected:
  ClusterJobsTest() {
    cluster_ = ClusterPlace{.access = {}, .name_space = "lab", .store = "store", .most_jobs = 2};
    open();
  }
  SubmittedJob submit_there(const std::string& name, int ranks = 0) {
    const std::string text = "name: " + name +
                             "\nmodel: lenet\ndataset: /data/d.h5\noutput: /data/" + name +
                             "\nkubernetes: {volumes: [{mount: /data, claim: c}]}\n";
    return jobs_->submit({.job_file = text, .ranks = ranks}, "", text);
  }
  // As where the pod of the server is killed: nobody is left, and nothing is written.
  void kill_follower(const std::string& name) {
    const auto run = attempt(name);
    write_file(run / "end", "");
    while (launcher::run_lives(run)) ::usleep(1000);
    std::filesystem::remove(run / "end");
  }
};

TEST_F(ClusterJobsTest, AFollowerThatIsGoneIsStartedAgainForTheSameAttempt) {
  submit_there("a");
  write_cluster_run(attempt("a"), {.state = "Pending", .reason = "Unschedulable", .why = "no GPU"});
  jobs_->tick();
  EXPECT_EQ(state("a"), "Starting");
  EXPECT_EQ(jobs_->get("a")["why"], "no GPU");
  EXPECT_EQ(jobs_->get("a")["cluster"], "lab");
  kill_follower("a");
  open();
  EXPECT_EQ(state("a"), "Starting");  // it was not lost
  while (!launcher::run_lives(attempt("a"))) jobs_->tick();
  EXPECT_EQ(jobs_->get("a")["attempts"], 1);
  end("a", RunStatus::finished);
  EXPECT_EQ(state("a"), "Succeeded");
}

TEST_F(ClusterJobsTest, WhatIsAskedIsWrittenForTheFollower) {
  submit_there("a");
  jobs_->ask("a", Desired::stop, "alice");
  EXPECT_EQ(state("a"), "Suspending");
  EXPECT_TRUE(read_cluster_wish(attempt("a"))->suspend);
  end("a", RunStatus::cancelled);
  EXPECT_EQ(state("a"), "Suspended");
  jobs_->ask("a", Desired::run, "alice");
  EXPECT_FALSE(read_cluster_wish(attempt("a"))->suspend);  // of the second attempt
  jobs_->scale("a", 3, "alice");
  jobs_->tick();
  EXPECT_EQ(read_cluster_wish(attempt("a"))->workers, 3);
  EXPECT_EQ(jobs_->get("a")["attempts"], 2);  // the operator changes the pods of this one
  EXPECT_EQ(refused([&] { jobs_->ask("a", Desired::finish, "alice"); }), 409);
}

TEST_F(ClusterJobsTest, AJobThatIsDeletedGoesWhenItsMpiJobHasGone) {
  submit_there("a");
  end("a", RunStatus::finished);
  const auto run = attempt("a");
  jobs_->ask("a", Desired::remove, "alice");
  EXPECT_TRUE(read_cluster_wish(run)->remove);
  EXPECT_EQ(state("a"), "Deleting");
  set_removed_from_cluster(run);
  write_file(run / "end", "");  // its follower ends then
  while (std::filesystem::exists(run)) jobs_->tick();
  EXPECT_EQ(refused([&] { jobs_->get("a"); }), 404);
}

TEST_F(ClusterJobsTest, SoManyJobsAreInTheClusterAtATime) {
  submit_there("a", 64);  // the cores of this machine do not count
  submit_there("b");
  submit_there("c");
  EXPECT_EQ(state("c"), "Queued");
  EXPECT_THAT(jobs_->get("c")["why"].get<std::string>(), HasSubstr("one of 2 jobs of this server"));
  end("a", RunStatus::finished);
  EXPECT_NE(state("c"), "Queued");
}

}  // namespace
}  // namespace ringtrain::server
