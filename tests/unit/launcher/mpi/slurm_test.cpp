// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/slurm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/supervise/host_source.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/launcher/variable.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A job of sbatch as Slurm 22.05 describes it to the batch script.
class InASlurmJob : public testing::Test {
 protected:
  const Variable id_{"SLURM_JOB_ID", "12"};
  const Variable nodes_{"SLURM_JOB_NODELIST", "node[1-3]"};
  const Variable tasks_{"SLURM_TASKS_PER_NODE", "4(x2),1"};
  const Variable cpus_{"SLURM_CPUS_PER_TASK", "3"};
  const Variable restarts_{"SLURM_RESTART_COUNT", nullptr};
};

TEST(Nodelist, NamesNodesOneByOneAndInRanges) {
  EXPECT_THAT(parse_nodelist("node1"), ElementsAre("node1"));
  EXPECT_THAT(parse_nodelist("a,b.example.org"), ElementsAre("a", "b.example.org"));
  EXPECT_THAT(parse_nodelist("gpu[08-10,3],login"),
              ElementsAre("gpu08", "gpu09", "gpu10", "gpu3", "login"));
}

TEST(Nodelist, MayHaveSeveralRangesInAName) {
  EXPECT_THAT(parse_nodelist("rack[1-2]node[1,3]-ib"),
              ElementsAre("rack1node1-ib", "rack1node3-ib", "rack2node1-ib", "rack2node3-ib"));
}

TEST(Nodelist, ThatIsDamagedIsRefused) {
  for (const char* text : {"", "a,,b", "a[1", "a[x]", "a[3-1]", "a[1-]", "a[-1]"}) {
    EXPECT_THAT([&] { parse_nodelist(text); },
                ThrowsError(ErrorKind::job, HasSubstr("SLURM_JOB_NODELIST=")))
        << text;
  }
  EXPECT_THAT([] { parse_nodelist("a[0-99999999]"); },
              ThrowsError(ErrorKind::job, HasSubstr("too many nodes")));
  EXPECT_THAT([] { parse_nodelist("a[0-9999][0-9999]"); },
              ThrowsError(ErrorKind::job, HasSubstr("too many nodes")));
}

TEST(TasksPerNode, AreRepeated) {
  EXPECT_THAT(parse_tasks_per_node("2", 1), ElementsAre(2));
  EXPECT_THAT(parse_tasks_per_node("4(x2),1", 3), ElementsAre(4, 4, 1));
}

TEST(TasksPerNode, ThatAreDamagedOrForOtherNodesAreRefused) {
  for (const char* text : {"", "x", "0", "2(x", "2(x0)", "2(x2", "2(x9999999999)"}) {
    EXPECT_THAT([&] { parse_tasks_per_node(text, 2); }, ThrowsError(ErrorKind::job)) << text;
  }
  EXPECT_THAT([] { parse_tasks_per_node("2(x3)", 2); },
              ThrowsError(ErrorKind::job, HasSubstr("is not for the 2 nodes")));
}

TEST_F(InASlurmJob, HostsSlotsAndThreadsAreItsOwn) {
  EXPECT_THAT(slurm_hosts(), ElementsAre(Host{"node1", 4}, Host{"node2", 4}, Host{"node3", 1}));
  EXPECT_EQ(available_hosts("", "").hosts(), slurm_hosts());
  EXPECT_EQ(slurm_cpus_per_task(), 3);
}

TEST_F(InASlurmJob, AHostfileWinsAlsoOverADamagedList) {
  const Variable damaged("SLURM_JOB_NODELIST", "node[1");
  const TemporaryDirectory folder;
  const std::string hostfile = folder.write("hosts", "other slots=2\n").string();
  EXPECT_THAT(available_hosts(hostfile, "").hosts(), ElementsAre(Host{"other", 2}));
  EXPECT_THAT([] { available_hosts("", ""); }, ThrowsError(ErrorKind::job));
}

TEST_F(InASlurmJob, ANodeWithoutTasksPerNodeHasOne) {
  const Variable none("SLURM_TASKS_PER_NODE", nullptr);
  EXPECT_THAT(slurm_hosts(), ElementsAre(Host{"node1", 1}, Host{"node2", 1}, Host{"node3", 1}));
}

TEST_F(InASlurmJob, RequeuesAreCounted) {
  EXPECT_EQ(slurm_restarts(), 0);
  const Variable restarts("SLURM_RESTART_COUNT", "2");
  EXPECT_EQ(slurm_restarts(), 2);
}

TEST_F(InASlurmJob, MoreRanksThanTasksAreRefused) {
  EXPECT_NO_THROW(require_tasks(9));
  EXPECT_THAT([] { require_tasks(10); },
              ThrowsError(ErrorKind::job, HasSubstr("-n 10: Slurm job 12 has 9 tasks")));
}

TEST_F(InASlurmJob, ARequeueThatFailsIsReported) {
  const Variable path("PATH", "/nowhere");
  EXPECT_THAT(requeue_slurm_job(), HasSubstr("Slurm job 12 could not be queued again"));
}

TEST(SlurmJob, IsNoneOutsideOfOne) {
  const Variable id("SLURM_JOB_ID", nullptr);
  const Variable nodes("SLURM_JOB_NODELIST", "node1");
  EXPECT_EQ(slurm_job(), "");
  EXPECT_TRUE(slurm_hosts().empty());
  EXPECT_EQ(slurm_cpus_per_task(), 0);
  EXPECT_TRUE(available_hosts("", "").is_this_machine());
}

}  // namespace
}  // namespace ringtrain::launcher
