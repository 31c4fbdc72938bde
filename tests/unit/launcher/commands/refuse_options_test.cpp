// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/refuse_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/commands/script_options.hpp"
#include "tests/unit/job/refusal.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

std::string refused(const std::string& option, RunKind kind) {
  return refusal([&] { refuse_options({"--hostfile", option}, kind); });
}

TEST(AnOption, OfJobFilesIsRefusedForAScript) {
  EXPECT_THAT(refused("--set", RunKind::script), HasSubstr("--set is for job files"));
  EXPECT_THAT(refused("--json", RunKind::script), HasSubstr("--json is for job files"));
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
