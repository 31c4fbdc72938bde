// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/ended_jobs.hpp"

#include <gtest/gtest.h>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

TEST(EndedJobs, AreShownForAQuarterOfAnHour) {
  const TemporaryDirectory folder;
  const Job job{JobFolder(folder / "job")};
  EndedJobs ended;
  const auto now = EndedJobs::Clock::now();
  ended.add(job, now);
  EXPECT_EQ(ended.shown(now + std::chrono::minutes(14)).count("job"), 1u);
  EXPECT_TRUE(ended.shown(now + std::chrono::minutes(15)).empty());
}

TEST(EndedJobs, AreGoneOnceTheyAreDeleted) {
  const TemporaryDirectory folder;
  EndedJobs ended;
  ended.add(Job{JobFolder(folder / "job")});
  ended.remove("job");
  EXPECT_TRUE(ended.shown().empty());
}

}  // namespace
}  // namespace ringtrain::server
