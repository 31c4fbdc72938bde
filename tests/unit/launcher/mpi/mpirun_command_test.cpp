// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;

const Mpirun four{"/usr/bin/mpirun", 4, "4.1.4"};  // NOLINT(cert-err58-cpp)
const Mpirun five{"/usr/bin/mpirun", 5, "5.0.7"};  // NOLINT(cert-err58-cpp)

RankLayout local(int ranks, Cores cores) {
  RankLayout layout;
  layout.hosts = {{"localhost", ranks}};
  layout.cores = cores;
  return layout;
}

RankLayout remote() {
  RankLayout layout;
  layout.hosts = {{"a", 2}, {"b", 2}};
  layout.local = false;
  layout.cores = {8, 8, {}};
  return layout;
}

MpirunCommand command(const Mpirun& mpirun, const RankLayout& layout) {
  return mpirun_command(mpirun, layout, "/tmp/hosts", {"/opt/worker", "job.yaml"});
}

// Whether the words stand in the command one after the other.
bool has(const MpirunCommand& made, const std::vector<std::string>& words) {
  return std::search(made.arguments.begin(), made.arguments.end(), words.begin(), words.end()) !=
         made.arguments.end();
}

TEST(MpirunCommand, OfOpenMpi4OnThisMachine) {
  const auto made = command(four, local(2, {4, 4, {}}));
  EXPECT_THAT(made.arguments,
              ElementsAre("/usr/bin/mpirun", "-np", "2", "--hostfile", "/tmp/hosts", "--map-by",
                          "slot:PE=2", "--bind-to", "core", "--mca", "pml", "ob1", "--mca", "btl",
                          "self,vader", "-x", "OMP_NUM_THREADS", "-x", "MKL_NUM_THREADS", "-x",
                          "GOMP_SPINCOUNT", "/opt/worker", "job.yaml"));
  EXPECT_EQ(made.environment,
            (Environment{
                {"OMP_NUM_THREADS", "2"}, {"MKL_NUM_THREADS", "2"}, {"GOMP_SPINCOUNT", "10000"}}));
}

TEST(MpirunCommand, LetsThreadsSpinAsTheUserSaysAndOnlyWhereThereAreSeveral) {
  EXPECT_FALSE(has(command(four, local(2, {2, 2, {}})), {"-x", "GOMP_SPINCOUNT"}));
  auto layout = local(1, {2, 2, {}});
  EXPECT_TRUE(has(command(four, layout), {"-x", "GOMP_SPINCOUNT"}));
  layout.environment = {{"OMP_WAIT_POLICY", "active"}};
  EXPECT_FALSE(has(command(four, layout), {"-x", "GOMP_SPINCOUNT"}));
}

TEST(MpirunCommand, OfOpenMpi5OnThisMachine) {
  const auto made = command(five, local(2, {4, 4, {}}));
  EXPECT_TRUE(has(made, {"--hostfile", "/tmp/hosts"}));
  EXPECT_TRUE(has(made, {"--mca", "btl", "self,sm"}));
}

TEST(MpirunCommand, YieldsAndDoesNotBindWhereRanksOutnumberHardwareThreads) {
  const auto older = command(four, local(4, {2, 2, {}}));
  EXPECT_TRUE(has(older, {"--oversubscribe", "--bind-to", "none"}));
  EXPECT_TRUE(has(older, {"--mca", "mpi_yield_when_idle", "1"}));
  EXPECT_EQ(older.environment.front().second, "1");
  const auto newer = command(five, local(4, {2, 2, {}}));
  EXPECT_TRUE(has(newer, {"--map-by", "slot:OVERSUBSCRIBE", "--bind-to", "none"}));
}

TEST(MpirunCommand, DoesNotBindWhereThatCouldHarm) {
  EXPECT_TRUE(has(command(four, local(2, {4, 4, 2.0})), {"--bind-to", "none"}));  // a quota
  EXPECT_TRUE(has(command(four, local(3, {4, 2, {}})), {"--bind-to", "none"}));   // more than cores
  EXPECT_TRUE(has(command(four, local(1, {4, 4, {}})), {"--bind-to", "none"}));   // all is its own
  EXPECT_TRUE(has(command(four, remote()), {"--bind-to", "none"}));
}

TEST(MpirunCommand, RunsAsRootOnlyForRoot) {
  auto layout = local(1, {4, 4, {}});
  EXPECT_FALSE(has(command(four, layout), {"--allow-run-as-root"}));
  layout.root = true;
  EXPECT_TRUE(has(command(four, layout), {"--allow-run-as-root"}));
}

TEST(MpirunCommand, DoesWithoutCrossMemoryWhereItIsForbidden) {
  auto layout = local(2, {2, 2, {}});
  layout.cross_memory = false;
  EXPECT_TRUE(has(command(four, layout), {"--mca", "btl_vader_single_copy_mechanism", "none"}));
  EXPECT_TRUE(has(command(five, layout), {"--mca", "smsc", "^cma"}));
}

TEST(MpirunCommand, OnOtherHostsTalksToTheirLauncherInItsOwnWords) {
  const auto older = command(four, remote());
  EXPECT_TRUE(has(older, {"-np", "4"}));
  EXPECT_TRUE(has(older, {"--mca", "orte_keep_fqdn_hostnames", "1"}));
  EXPECT_TRUE(has(older, {"--mca", "plm_rsh_args"}));
  EXPECT_TRUE(has(older, {"--mca", "btl", "^openib"}));
  const auto newer = command(five, remote());
  EXPECT_TRUE(has(newer, {"--prtemca", "prte_keep_fqdn_hostnames", "1"}));
  EXPECT_TRUE(has(newer, {"--prtemca", "plm_ssh_args"}));
  EXPECT_FALSE(has(newer, {"--mca", "btl"}));
}

TEST(MpirunCommand, OnOtherHostsPassesOnWhatRanksNeedAndNoThreads) {
  auto layout = remote();
  layout.environment = {{"NCCL_DEBUG", "INFO"},
                        {"HOME", "/root"},
                        {"LD_LIBRARY_PATH", "/opt"},
                        {"AWS_PROFILE", "team"},
                        {"endpoint_url", "http://store"}};
  const auto made = command(four, layout);
  EXPECT_TRUE(has(made, {"-x", "NCCL_DEBUG"}));
  EXPECT_TRUE(has(made, {"-x", "LD_LIBRARY_PATH"}));
  EXPECT_TRUE(has(made, {"-x", "AWS_PROFILE"}));
  EXPECT_TRUE(has(made, {"-x", "endpoint_url"}));
  EXPECT_FALSE(has(made, {"-x", "HOME"}));
  EXPECT_FALSE(has(made, {"-x", "OMP_NUM_THREADS"}));
  EXPECT_EQ(made.environment, (Environment{{"GOMP_SPINCOUNT", "10000"}}));
}

TEST(MpirunCommand, OnOtherHostsPassesOnWhatIsNamed) {
  auto layout = remote();
  layout.environment = {{"A", "1"}, {"B", "2"}, {"AB", "3"}, {"RINGTRAIN_EXPORT", "AB,B"}};
  const auto made = command(four, layout);
  EXPECT_FALSE(has(made, {"-x", "A"}));
  EXPECT_TRUE(has(made, {"-x", "B"}));
  EXPECT_TRUE(has(made, {"-x", "AB"}));
}

TEST(MpirunCommand, LeavesWhatTheUserHasSet) {
  auto layout = local(2, {2, 2, {}});
  layout.environment = {{"OMPI_MCA_btl", "tcp,self"}, {"OMP_NUM_THREADS", "7"}};
  const auto made = command(four, layout);
  EXPECT_FALSE(has(made, {"--mca", "btl"}));
  EXPECT_EQ(made.environment, (Environment{{"MKL_NUM_THREADS", "1"}}));
  auto other = remote();
  other.environment = {{"PRTE_MCA_plm_ssh_args", "-p 2222"}};
  EXPECT_FALSE(has(command(five, other), {"--prtemca", "plm_ssh_args"}));
}

TEST(MpirunCommand, InASlurmJobStartsRanksByItsOwnMeans) {
  RankLayout layout = local(2, {4, 4, {}});
  layout.environment = {{"SLURM_JOB_ID", "12"}};
  EXPECT_TRUE(has(command(four, layout), {"--mca", "plm", "rsh", "--mca", "ras", "^slurm"}));
  EXPECT_TRUE(
      has(command(five, layout), {"--prtemca", "plm", "ssh", "--prtemca", "ras", "^slurm"}));
}

TEST(MpirunCommand, GivesARankTheThreadsThatSlurmGivesATask) {
  RankLayout layout = remote();
  layout.given_threads = 3;
  EXPECT_TRUE(has(command(four, layout), {"-x", "OMP_NUM_THREADS"}));
  EXPECT_EQ(command(four, layout).environment.front(),
            (std::pair<std::string, std::string>{"OMP_NUM_THREADS", "3"}));
}

TEST(MpirunCommand, ShortensTheTemporaryDirectory) {
  auto layout = local(1, {2, 2, {}});
  layout.environment = {{"TMPDIR", "/" + std::string(60, 'x')}};
  EXPECT_THAT(command(four, layout).environment,
              testing::Contains(std::pair<std::string, std::string>("TMPDIR", "/tmp")));
}

}  // namespace
}  // namespace ringtrain::launcher
