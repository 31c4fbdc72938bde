// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/job/refusal.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

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

std::string refused(const std::string& option, RunKind kind) {
  return refusal([&] { refuse_options({"--hostfile", option}, kind); });
}

TEST(AnOption, OfJobFilesIsRefusedForAScript) {
  EXPECT_THAT(refused("--set", RunKind::script), HasSubstr("--set is for job files"));
  EXPECT_THAT(refused("--json", RunKind::script), HasSubstr("--json is for job files"));
  EXPECT_THAT(refused("--metrics", RunKind::script), HasSubstr("--metrics is for job files"));
  EXPECT_EQ(refused("--python", RunKind::script), "");
}

TEST(AnOption, OfScriptsIsRefusedForAModel) {
  EXPECT_THAT(refused("--tee", RunKind::training), HasSubstr("and this is a job file"));
  EXPECT_THAT(refused("--python", RunKind::training), HasSubstr("and this is a job file"));
  EXPECT_EQ(refused("--set", RunKind::training), "");
}

TEST(AnOption, ThatIsAKeyOfTheJobFileNamesIt) {
  EXPECT_EQ(refused("--hang-timeout", RunKind::script_job),
            "ringtrain run: --hang-timeout is for scripts; in a job file it is the key "
            "script.hang_timeout_seconds, as in --set script.hang_timeout_seconds=...");
  EXPECT_THAT(refused("--json", RunKind::script_job), HasSubstr("jobs that train a model"));
  EXPECT_THAT(refused("--tensorboard", RunKind::script_job), HasSubstr("jobs that train a model"));
  EXPECT_EQ(refused("--tee", RunKind::script_job), "");
  EXPECT_EQ(refused("--set", RunKind::script_job), "");
}

TEST(AnOption, OfScriptsIsKnownToOneKindOfRunOrTheOther) {
  CLI::App app;
  ScriptOptions options;
  add_script_options(app, options);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() != kScriptGroup) continue;
    const std::string name = "--" + option->get_lnames().front();
    EXPECT_NE(refused(name, RunKind::training), "") << name;
  }
}

}  // namespace
}  // namespace ringtrain::launcher
