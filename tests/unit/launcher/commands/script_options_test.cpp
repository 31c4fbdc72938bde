// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringtrain::launcher {
namespace {

using Words = std::vector<std::string>;

// A command line of `ringtrain run`, cut in two.
struct Cut {
  Words ours;
  Words scripts;
};

Cut cut(Words words) {
  CLI::App app;
  CLI::App* const run = app.add_subcommand("run", "");
  int ranks = 0;
  std::string hostfile, target;
  Words sets;
  run->add_option("job", target);
  run->add_option("-n,--ranks", ranks);
  run->add_option("--hostfile", hostfile);
  run->add_option("--set", sets)->allow_extra_args(false);
  ScriptOptions options;
  add_script_options(*run, options);
  Words scripts = take_script_arguments(*run, words);
  return {words, scripts};
}

TEST(ACommandLine, LeavesEverythingBehindAScriptToIt) {
  const Cut words = cut({"run", "-n", "2", "train.py", "--lr", "0.1", "-n", "[1,2]", "", "{}"});
  EXPECT_EQ(words.ours, (Words{"run", "-n", "2", "train.py"}));
  EXPECT_EQ(words.scripts, (Words{"--lr", "0.1", "-n", "[1,2]", "", "{}"}));
}

TEST(ACommandLine, HasOptionsOfOursBetweenAScriptAndDashes) {
  const Cut words = cut({"run", "train.py", "-n", "2", "--", "--lr", "--", "x"});
  EXPECT_EQ(words.ours, (Words{"run", "train.py", "-n", "2"}));
  EXPECT_EQ(words.scripts, (Words{"--lr", "--", "x"}));
}

TEST(ACommandLine, MayNameAScriptBehindDashes) {
  const Cut words = cut({"run", "-n", "2", "--", "train.py", "a", "--", "b"});
  EXPECT_EQ(words.ours, (Words{"run", "-n", "2", "--", "train.py"}));
  EXPECT_EQ(words.scripts, (Words{"a", "--", "b"}));
}

TEST(ACommandLine, DoesNotTakeAnOptionsValueForTheScript) {
  EXPECT_EQ(cut({"run", "--hostfile", "h.py", "--tee=3", "-n4", "-t", "3", "t.py", "x"}).scripts,
            (Words{"x"}));
}

TEST(ACommandLine, TakesTheWordBehindAModulesOptionForIt) {
  const Cut words = cut({"run", "-n", "2", "-m", "package.train", "--epochs", "3"});
  EXPECT_EQ(words.ours, (Words{"run", "-n", "2", "-m", "package.train"}));
  EXPECT_EQ(words.scripts, (Words{"--epochs", "3"}));
}

TEST(ACommandLine, MaySpellOptionsAsMpirunDoes) {
  const Words ours = {"run", "-n", "2", "train.py"};
  EXPECT_EQ(cut({"run", "-np", "2", "train.py", "-np", "3"}).ours, ours);
  EXPECT_EQ(cut({"run", "-np", "2", "train.py", "-np", "3"}).scripts, (Words{"-np", "3"}));
  EXPECT_EQ(cut({"run", "job.yaml", "--np", "2", "-hostfile", "hosts"}).ours,
            (Words{"run", "job.yaml", "-n", "2", "--hostfile", "hosts"}));
  EXPECT_EQ(cut({"run", "-np", "2", "--machinefile=hosts", "job.yaml"}).ours,
            (Words{"run", "-n", "2", "--hostfile=hosts", "job.yaml"}));
}

TEST(ACommandLine, OfAJobFileStaysWhole) {
  const Words words = {"run", "job.yaml", "-n", "2", "--set", "epochs=1"};
  EXPECT_EQ(cut(words).ours, words);
  EXPECT_EQ(cut({"validate", "train.py", "x"}).ours, (Words{"validate", "train.py", "x"}));
  EXPECT_EQ(cut({"run"}).ours, (Words{"run"}));
  EXPECT_EQ(cut({"run", "-n"}).ours, (Words{"run", "-n"}));
}

TEST(AProgram, IsRunAsAScript) {
  EXPECT_TRUE(is_script("/bin/sh"));
  EXPECT_TRUE(is_script("sh"));
  EXPECT_TRUE(is_script("missing.py"));
  EXPECT_FALSE(is_script("missing.yaml"));
  EXPECT_FALSE(is_script("/nowhere/missing"));
}

}  // namespace
}  // namespace ringtrain::launcher
