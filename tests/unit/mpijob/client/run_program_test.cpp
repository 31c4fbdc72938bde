// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/run_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::mpijob {
namespace {

using testing::StartsWith;

ProgramOutput run_shell(const std::string& script) {
  return run_program({"sh", "-c", script}, {{"COLOUR", "blue"}}, /*interactive=*/false);
}

TEST(RunProgram, ReturnsItsOutputAndGivesItTheEnvironment) {
  const ProgramOutput done = run_shell("echo $COLOUR; test -n \"$PATH\"");
  EXPECT_EQ(done.output, "blue\n");
  EXPECT_EQ(done.problem, "");
}

TEST(RunProgram, HasNothingToReadUnlessItIsInteractive) {
  EXPECT_EQ(run_shell("cat; echo end").output, "end\n");
}

TEST(RunProgram, ReportsHowItFailed) {
  EXPECT_EQ(run_shell("exit 3").problem, "exited with code 3");
  EXPECT_EQ(run_shell("kill -9 $$").problem, "was killed by signal 9");
  EXPECT_THAT(run_program({"/not/there"}, {}, false).problem, StartsWith("cannot be started: "));
}

TEST(RunProgram, KeepsAMebibyteOfItsOutputAtMost) {
  const ProgramOutput done = run_shell("head -c 3000000 /dev/zero");
  EXPECT_EQ(done.problem, "") << "it must be able to write the rest";
  EXPECT_GE(done.output.size(), 1U << 20);
  EXPECT_LT(done.output.size(), (1U << 20) + 4096);
}

}  // namespace
}  // namespace ringtrain::mpijob
