// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/core_wait.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

TEST(ReadThreadTimes, AddsTheThreads) {
  const TemporaryDirectory folder;
  for (const char* thread : {"7", "8", "9"}) std::filesystem::create_directory(folder / thread);
  std::ofstream(folder / "7/schedstat") << "1500000000 250000000 12\n";
  std::ofstream(folder / "8/schedstat") << "500000000 750000000 3\n";
  const ThreadTimes times = read_thread_times(folder.path());
  EXPECT_DOUBLE_EQ(times.ran, 2);
  EXPECT_DOUBLE_EQ(times.waited, 1);
}

TEST(ReadThreadTimes, HasTheTimesOfThisProcess) {
  if (!std::filesystem::exists("/proc/self/schedstat")) GTEST_SKIP() << "no schedstat here";
  ::sched_yield();  // where the kernel counts what a thread has run so far
  EXPECT_GT(read_thread_times().ran, 0);
}

TEST(ReadThreadTimes, IsZeroWithoutSchedstat) {
  EXPECT_EQ(read_thread_times("/nonexistent").ran, 0);
}

TEST(CoreWait, ReportsOnceThatAThirdOfTheTimeWasWaited) {
  CoreWait wait;
  EXPECT_FALSE(wait.update({.ran = 10, .waited = 100}));  // before training
  EXPECT_FALSE(wait.update({.ran = 11, .waited = 100.9}));
  EXPECT_DOUBLE_EQ(wait.update({.ran = 12, .waited = 102}).value_or(0), 0.5);
  EXPECT_FALSE(wait.update({.ran = 13, .waited = 109}));
}

TEST(CoreWait, IsSilentOnAnIdleMachineAndLooksAtEachStretchAlone) {
  CoreWait wait;
  EXPECT_FALSE(wait.update({.ran = 0, .waited = 0}));
  EXPECT_FALSE(wait.update({.ran = 100, .waited = 3}));
  EXPECT_DOUBLE_EQ(wait.update({.ran = 101, .waited = 4}).value_or(0), 0.5);
}

}  // namespace
}  // namespace ringtrain
