// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/cluster_run.hpp"

#include <gtest/gtest.h>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

TEST(ClusterRun, IsReadAsItWasWritten) {
  const TemporaryDirectory folder;
  EXPECT_EQ(read_cluster_run(folder / ""), std::nullopt);
  const ClusterRun run{.name_space = "lab",
                       .uid = "u",
                       .started = "2026-11-25T00:00:00.000Z",
                       .state = "Pending",
                       .reason = "Unschedulable",
                       .why = "no node has 8 nvidia.com/gpu",
                       .pods = {{"mnist-worker-0", "worker", "node1", "Running", 2, ""}},
                       .earlier_pods = {"mnist-launcher-abc"}};
  write_cluster_run(folder / "", run);
  EXPECT_EQ(read_cluster_run(folder / ""), run);
  const ClusterWish wish{.suspend = true, .workers = 3};
  write_cluster_wish(folder / "", wish);
  EXPECT_EQ(read_cluster_wish(folder / ""), wish);
  folder.write("cluster.json", "{\"uid\": 3}");
  EXPECT_EQ(read_cluster_run(folder / ""), std::nullopt);
}

TEST(ClusterRun, PodsThatAreMissingComeBeforeWhatTheEventsSaidLast) {
  struct Case {
    JobState events;
    const char* cluster;
    JobState shown;
  };
  for (const Case& one : {Case{JobState::starting, "Pending", JobState::starting},
                          Case{JobState::running, "Pending", JobState::starting},
                          Case{JobState::running, "Suspended", JobState::starting},
                          Case{JobState::running, "Starting", JobState::running},
                          Case{JobState::running, "Running", JobState::running},
                          Case{JobState::running, "Restarting", JobState::restarting},
                          Case{JobState::running, "", JobState::running},
                          Case{JobState::suspending, "Suspending", JobState::suspending},
                          Case{JobState::deleting, "Running", JobState::deleting},
                          Case{JobState::finishing, "Running", JobState::finishing}}) {
    const StateView view =
        view_in_cluster({one.events, "", ""}, {.state = one.cluster, .why = "the reason"});
    EXPECT_EQ(view.state, one.shown) << one.cluster;
  }
  const StateView waits = view_in_cluster({JobState::starting, "", ""},
                                          {.state = "Pending", .reason = "R", .why = "w"});
  EXPECT_EQ(waits.reason + waits.why, "Rw");
}

}  // namespace
}  // namespace ringtrain::server
