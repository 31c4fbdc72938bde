// SPDX-License-Identifier: Apache-2.0
// Job files that run a script: what they may hold, and the lines for what they may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "job/json.hpp"
#include "job/parse.hpp"
#include "job/paths.hpp"
#include "tests/unit/job/refusal.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

JobSpec job(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job_text(text, "f.yaml", overrides);
}

std::string refused(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return refusal([&] { job(text, overrides); });
}

std::vector<std::string> notes(const std::string& text) {
  std::vector<std::string> notes;
  parse_job_text(text, "f.yaml", {}, &notes);
  return notes;
}

TEST(AJobWithAScript, NeedsNeitherModelNorDataset) {
  const JobSpec spec = job("script: {file: train.py, args: [--lr, '0.1']}\nrestarts: 5\n");
  ASSERT_TRUE(spec.script);
  EXPECT_EQ(spec.script->target, "train.py");
  EXPECT_EQ(spec.script->title(), "train.py");
  EXPECT_TRUE(spec.script->is_python());
  EXPECT_THAT(spec.script->args, ElementsAre("--lr", "0.1"));
  EXPECT_EQ(spec.restarts, 5);
  EXPECT_EQ(spec.output, "runs/f");
  EXPECT_EQ(job("name: a\n", {"script.module=package.train"}).script->title(), "package.train");
  EXPECT_FALSE(job("script: {file: bin/train}\n").script->is_python());
}

TEST(AJobWithAScript, RefusesAModelAndADatasetByTheirLines) {
  EXPECT_EQ(refused("script: {file: a.py}\nmodel: lenet\n"),
            "f.yaml:2: model: cannot be had beside script: remove it, or script");
  EXPECT_EQ(refused("dataset: d.h5\nscript: {file: a.py}\n"),
            "f.yaml:1: dataset: cannot be had beside script: remove it, or script");
  EXPECT_THAT(refused("name: a\n"), HasSubstr("model: is missing"));
}

TEST(AJobWithAScript, NamesKeysOfTrainingThatHaveNoEffect) {
  EXPECT_THAT(notes("script: {file: a.py}\nepochs: 3\noptimizer:\n  type: adamw\n"),
              ElementsAre("f.yaml:2: epochs: has no effect beside script",
                          "f.yaml:3: optimizer: has no effect beside script"));
  EXPECT_THAT(notes("script: {file: a.py}\nname: a\noutput: o\nworkers: {max: 2}\n"
                    "restarts: 1\nkubernetes: {ringtrain_image: r}\n"),
              IsEmpty());
  EXPECT_THAT(notes("model: mlp\ndataset: d.h5\nkubernetes: {ringtrain_image: r}\n"),
              ElementsAre("f.yaml:3: kubernetes.ringtrain_image: has no effect without script"));
}

TEST(AJobWithAScript, IsPrintedWithoutTheKeysOfTraining) {
  const JobSpec spec = job("script: {module: train}\nname: a\n");
  const std::string text = print_job_file(spec);
  EXPECT_THAT(text, Not(HasSubstr("epochs")));
  EXPECT_THAT(text, Not(HasSubstr("model:")));
  EXPECT_THAT(text, HasSubstr("script: "));
  EXPECT_EQ(job(text), spec);
}

TEST(AJobWithAScript, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refused("script: {args: [x]}\n"), StartsWith("f.yaml:1: script: must be: "));
  EXPECT_THAT(refused("script: {file: a.py, module: a}\n"), StartsWith("f.yaml:1: script: "));
  EXPECT_THAT(refused("script: train.py\n"),
              HasSubstr("as in 'script: {file: train.py, args: [--epochs, '3']}'"));
  EXPECT_THAT(refused("script:\n  file: a.py\n  args: [--lr, 0.1]\n"),
              StartsWith("f.yaml:3: script.args[1]: must be text"));
  EXPECT_THAT(refused("script: {file: a.py, env: {A-B: x}}\n"),
              HasSubstr("script.env.A-B: must be a name of letters"));
  for (const char* name : {"RANK", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "OMPI_COMM_WORLD_RANK"}) {
    EXPECT_THAT(refused(std::string("script: {file: a.py, env: {") + name + ": x}}\n"),
                HasSubstr("is set by ringtrain for each rank"));
  }
  EXPECT_THAT(refused("script: {file: ./a, python: python3}\n"),
              HasSubstr("script.python: is for Python scripts"));
  EXPECT_THAT(refused("script: {file: a.py}\nkubernetes:\n  volumes: "
                      "[{mount: /ringtrain, claim: a}]\n"),
              HasSubstr("/ringtrain is mounted already"));
}

TEST(AJobWithAScript, HasItsFilesCheckedFromItsDirectory) {
  const TemporaryDirectory directory;
  directory.write("train.py", "");
  JobSpec spec = job("script: {file: train.py}\n");
  spec.output = directory / "out";
  EXPECT_THAT(refusal([&] { check_paths(spec); }),
              StartsWith("script.file: train.py is not there"));
  spec.script->directory = directory / "none";
  EXPECT_THAT(refusal([&] { check_paths(spec); }), StartsWith("script.directory: "));
  spec.script->directory = directory.path();
  spec.script->python = "venv/python";
  EXPECT_THAT(refusal([&] { check_paths(spec); }), StartsWith("script.python: "));
  spec.script->python.clear();
  EXPECT_EQ(refusal([&] { check_paths(spec); }), "");
}

}  // namespace
}  // namespace ringtrain
