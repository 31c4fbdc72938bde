// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/worker_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::launcher {
namespace {

using testing::ElementsAre;

RankLayout on(const std::vector<Host>& hosts, bool local) {
  RankLayout layout;
  layout.hosts = hosts;
  layout.local = local;
  return layout;
}

TEST(WorkerCommand, NamesTheJobItsOverridesAndTheRanks) {
  const WorkerJob job{"/bin/worker", "/jobs/job.yaml", {"epochs=3", "trace=true"}};
  EXPECT_THAT(worker_command(job, on({{"localhost", 2}}, true), StartFrom::job),
              ElementsAre("/bin/worker", "/jobs/job.yaml", "--set", "epochs=3", "--set",
                          "trace=true", "--events", "--expect-ranks", "2"));
}

TEST(WorkerCommand, OfARestartResumesWhateverTheJobSays) {
  const WorkerJob job{"/bin/worker", "/jobs/job.yaml", {"checkpoint.resume=never"}};
  const auto command =
      worker_command(job, on({{"localhost", 1}}, true), StartFrom::newest_checkpoint);
  EXPECT_EQ(command.back(), "checkpoint.resume=auto");  // the last --set counts
}

TEST(WorkerCommand, ExpectsHostsByNameAndNeverByAddress) {
  const WorkerJob job{"/bin/worker", "/jobs/job.yaml", {}};
  EXPECT_THAT(worker_command(job, on({{"a", 1}, {"b", 1}}, false), StartFrom::job),
              testing::Contains("a,b"));
  EXPECT_THAT(worker_command(job, on({{"a", 1}, {"10.0.0.2", 1}}, false), StartFrom::job),
              testing::Not(testing::Contains("--expect-hosts")));
}

}  // namespace
}  // namespace ringtrain::launcher
