// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/process_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/spawn.hpp"
#include "launcher/process/stopped_ranks.hpp"

namespace ringtrain::launcher {
namespace {

using testing::Contains;
using testing::Not;

TEST(ProcessTree, KnowsParentsStatesAndDescendants) {
  Child child({.arguments = {"sleep", "1000"},
               .environment = {{"OMPI_COMM_WORLD_RANK", "3"}},
               .death_signal = SIGKILL});
  EXPECT_EQ(stat_of(child.process()).parent, ::getpid());
  EXPECT_THAT(descendants(::getpid()), Contains(child.process()));
  EXPECT_EQ(stopped_ranks(::getpid()), "");
  ::kill(child.process(), SIGSTOP);
  ASSERT_EQ(::waitpid(child.process(), nullptr, WUNTRACED), child.process());
  EXPECT_EQ(stat_of(child.process()).state, 'T');
  EXPECT_EQ(stopped_ranks(::getpid()), "; rank 3 is paused (SIGSTOP)");
  const pid_t gone = child.process();
  child = Child();
  EXPECT_THAT(descendants(::getpid()), Not(Contains(gone)));
  EXPECT_EQ(stat_of(gone).state, '?');
}

TEST(ProcessTree, ReapsAndKnowsTheLastChild) {
  const pid_t child = spawn({.arguments = {"sh", "-c", "exit 7"}});
  int status = 0;
  bool alone = false;
  while (!reap(child, status, alone)) ::usleep(1000);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(alone);
}

}  // namespace
}  // namespace ringtrain::launcher
