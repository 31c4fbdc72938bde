// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/keep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/spawn.hpp"
#include "job/outcome_file.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class KeepTest : public testing::Test {
 protected:
  // Keeps a shell script as if it were a launcher.
  pid_t start(const std::string& script) { return keep(run_, "/bin/sh", {"-c", script}); }
  // Waits until nothing of the run lives.
  void wait_for_end() const {
    while (run_lives(run_)) ::usleep(1000);
  }
  Outcome outcome() const { return read_outcome(run_ / "outcome.json").value(); }

  const TemporaryDirectory folder_;
  const std::filesystem::path run_ = folder_ / "run";
};

TEST_F(KeepTest, KeepsTheLogWithTimesAndTheOutcomeOfALauncherThatRecordsNone) {
  start("echo out; echo err >&2; exit 3");
  wait_for_end();
  EXPECT_THAT(read_file(run_ / "train.log"), MatchesRegex("20[^ ]*Z out\n20[^ ]*Z err\n"));
  EXPECT_EQ(outcome().status, RunStatus::failed);
  EXPECT_EQ(outcome().exit_code, 3);
  EXPECT_EQ(outcome().cause, "err");
}

TEST_F(KeepTest, LeavesTheOutcomeThatTheRunHasRecorded) {
  const Outcome recorded{.status = RunStatus::finished, .exit_code = 0, .attempts = 2};
  write_outcome(folder_ / "recorded", recorded);
  start("cp '" + (folder_ / "recorded").string() + "' \"$1/outcome.json\"");
  wait_for_end();
  EXPECT_EQ(outcome(), recorded);
}

TEST_F(KeepTest, SaysThatALauncherWasKilled) {
  start("kill -9 $$");
  wait_for_end();
  EXPECT_EQ(outcome().status, RunStatus::killed);
  EXPECT_THAT(outcome().cause, HasSubstr("signal 9"));
}

TEST_F(KeepTest, LivesUntilTheLastProcessOfTheRunHasEnded) {
  start("(while [ ! -e '" + (folder_ / "stop").string() + "' ]; do sleep 0.01; done) & exit 0");
  EXPECT_TRUE(run_lives(run_));
  EXPECT_FALSE(std::filesystem::exists(run_ / "outcome.json"));
  std::ofstream(folder_ / "stop").close();
  wait_for_end();
  EXPECT_EQ(outcome().exit_code, 0);
}

TEST_F(KeepTest, PassesSigtermToTheLauncher) {
  start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  while (!std::filesystem::exists(run_ / "train.log") ||
         read_file(run_ / "train.log").find("ready") == std::string::npos) {
    ::usleep(1000);
  }
  EXPECT_TRUE(signal_run(run_, SIGTERM));
  wait_for_end();
  EXPECT_EQ(outcome().exit_code, 7);
  EXPECT_FALSE(signal_run(run_, SIGTERM));
}

TEST_F(KeepTest, GivesTheLauncherSigtermWhenItIsKilled) {
  const pid_t keeper = start("trap 'touch \"" + (folder_ / "stopped").string() +
                             "\"; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  while (read_file(run_ / "train.log").find("ready") == std::string::npos) ::usleep(1000);
  ::kill(keeper, SIGKILL);
  while (!std::filesystem::exists(folder_ / "stopped")) ::usleep(1000);
  wait_for_end();
  EXPECT_FALSE(std::filesystem::exists(run_ / "outcome.json"));
}

TEST_F(KeepTest, RefusesAFolderWhereARunIsKept) {
  std::filesystem::create_directories(run_);
  const auto lock = lock_run(run_);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(run_lives(run_));
  EXPECT_THAT([&] { start("exit 0"); },
              ThrowsError(ErrorKind::job, HasSubstr("a run is kept there already")));
}

TEST_F(KeepTest, TakesALockThatItsCallerHands) {
  std::filesystem::create_directories(run_);
  auto lock = lock_run(run_);
  ASSERT_TRUE(lock);
  Child caller({.body =
                    [&] {
                      start("exit 0");
                      return 0;
                    },
                .standard_input = lock->get()});
  EXPECT_TRUE(caller.wait().success());
  lock->close();
  wait_for_end();
  EXPECT_EQ(outcome().exit_code, 0);
}

}  // namespace
}  // namespace ringtrain::launcher
