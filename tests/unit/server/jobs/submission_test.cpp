// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/submission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SubmissionTest : public testing::Test {
 protected:
  SubmissionTest() {
    data_.write("d.h5", "");
    data_.write("model.pt", "");
    outside_.write("d.h5", "");
    limits_.data = {std::filesystem::canonical(data_.path())};
    limits_.cores = 4;
  }
  CheckedJob check(const std::string& more, int ranks = 0) const {
    return check_submission({.job_file = "name: a-job\n" + more, .ranks = ranks}, limits_);
  }
  // The refused paths, or the one message where there is one.
  static std::vector<std::string> paths(const CheckedJob& checked) {
    std::vector<std::string> found;
    for (const Refusal& one : checked.refusals) found.push_back(one.path);
    return found;
  }

  const TemporaryDirectory data_;
  const TemporaryDirectory outside_;
  JobLimits limits_;
};

TEST_F(SubmissionTest, MakesPathsAbsoluteAndFindsTheRanks) {
  const CheckedJob checked = check("model: lenet\ndataset: d.h5\nworkers: {min: 1, max: 3}\n");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_EQ(checked.record.name, "a-job");
  EXPECT_EQ(checked.record.ranks, 3);
  EXPECT_THAT(checked.record.overrides,
              ElementsAre("dataset=\"" + (limits_.data[0] / "d.h5").string() + "\""));
  EXPECT_THAT(checked.record.warnings, IsEmpty());
  EXPECT_EQ(check("model: lenet\ndataset: d.h5\n").record.ranks, 1);
  EXPECT_EQ(check("model: lenet\ndataset: d.h5\n", 2).record.ranks, 2);
}

TEST_F(SubmissionTest, TakesADatasetOfTheServerByItsName) {
  const TemporaryDirectory datasets;
  limits_.datasets = datasets.path();
  EXPECT_THAT(check("model: lenet\ndataset: digits\n").refusals[0].message,
              HasSubstr("name one of the server's datasets"));
  std::filesystem::create_directory(datasets / "digits");
  datasets.write("digits/dataset.json", "{}");
  const CheckedJob checked = check("model: lenet\ndataset: digits\n");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_EQ(checked.record.stored_dataset, "digits");
  EXPECT_EQ(checked.record.dataset, "digits");
  EXPECT_THAT(checked.record.overrides,
              ElementsAre("dataset=\"" + (datasets / "digits/data.h5").string() + "\""));
  EXPECT_EQ(check("model: lenet\ndataset: d.h5\n").record.stored_dataset, "");
}

TEST_F(SubmissionTest, LetsNoPathOutOfTheDataFolders) {
  std::filesystem::create_symlink(outside_ / "d.h5", data_ / "link.h5");
  std::filesystem::create_directory_symlink(outside_.path(), data_ / "folder");
  for (const std::string& path :
       {(outside_ / "d.h5").string(), std::string("../d.h5"), std::string("link.h5"),
        std::string("folder/d.h5"), std::string("/etc/passwd"), std::string("x/../../d.h5")}) {
    const CheckedJob checked = check("model: lenet\ndataset: " + path + "\n");
    ASSERT_THAT(paths(checked), ElementsAre("dataset")) << path;
    EXPECT_THAT(checked.refusals[0].message, HasSubstr("outside of the folders")) << path;
  }
  EXPECT_THAT(paths(check("model: lenet\ndataset: d.h5\ninitialize_from: /etc/passwd\n"
                          "checkpoint: {resume: /etc}\n")),
              ElementsAre("initialize_from", "checkpoint.resume"));
  EXPECT_THAT(check("model: lenet\ndataset: none.h5\n").refusals[0].message,
              HasSubstr("is not there"));
}

TEST_F(SubmissionTest, LetsNoUrlOutOfTheBuckets) {
  const std::string rest = "model: lenet\ndataset: ";
  EXPECT_THAT(check(rest + "s3://pets/a.h5\n").refusals[0].message, HasSubstr("--bucket"));
  limits_.buckets = {"s3://pets/team/"};
  const CheckedJob checked = check(rest +
                                   "s3://pets/team/a.h5\noutput: s3://pets/team/runs/one\n"
                                   "initialize_from: https://example.org/a.safetensors\n");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_THAT(checked.record.overrides,
              ElementsAre("dataset=\"s3://pets/team/a.h5\"",
                          "initialize_from=\"https://example.org/a.safetensors\"",
                          "output=\"s3://pets/team/runs/one\""));
  for (const char* const url :
       {"s3://pets/a.h5", "s3://pets/team", "s3://pets/team/", "s3://pets/teams/a.h5",
        "s3://other/team/a.h5", "s3://pets/team/../a.h5", "s3://pets/team/./a.h5", "S3://pets/a.h5",
        "http://169.254.169.254/latest", "http://example.org/a.h5",
        "https://me@example.org/a.h5"}) {
    EXPECT_THAT(paths(check(rest + url + "\n")), ElementsAre("dataset")) << url;
  }
  EXPECT_THAT(paths(check("model: lenet\ndataset: d.h5\noutput: s3://pets/runs\n")),
              ElementsAre("output"));
}

TEST_F(SubmissionTest, TakesTorchScriptWhereItsOwnerAllowsIt) {
  EXPECT_THAT(paths(check("model: model.pt\ndataset: d.h5\n")), ElementsAre("model"));
  limits_.torchscript = true;
  const CheckedJob checked = check("model: ./model.pt\ndataset: d.h5\n");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_EQ(checked.record.model, "model.pt");
  EXPECT_THAT(checked.record.overrides, Contains(HasSubstr("model=\"/")));
}

TEST_F(SubmissionTest, RefusesMoreRanksThanCoresOrSamples) {
  EXPECT_THAT(paths(check("model: lenet\ndataset: d.h5\n", 5)), ElementsAre("ranks"));
  EXPECT_THAT(paths(check("model: lenet\ndataset: d.h5\nbatch_size: 2\n", 3)),
              ElementsAre("ranks"));
}

TEST_F(SubmissionTest, SaysWhatItLeavesOut) {
  const CheckedJob checked = check("model: lenet\ndataset: d.h5\noutput: /etc\n");
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_THAT(checked.record.warnings, ElementsAre(HasSubstr("output: is left out")));
}

TEST_F(SubmissionTest, RunsScriptsWhereItsOwnerAllowsThem) {
  data_.write("train.py", "");
  const std::string job = "script: {file: train.py, args: [x]}\nepochs: 3\n";
  const CheckedJob refused = check(job);
  ASSERT_THAT(paths(refused), ElementsAre("script"));
  EXPECT_THAT(refused.refusals[0].message, HasSubstr("--allow-scripts"));
  limits_.scripts = true;
  const CheckedJob checked = check(job);
  EXPECT_THAT(checked.refusals, IsEmpty());
  EXPECT_EQ(checked.record.script, "train.py");
  EXPECT_EQ(checked.record.model, "");
  EXPECT_THAT(checked.record.warnings,
              ElementsAre("job.yaml:3: epochs: has no effect beside script"));
  EXPECT_THAT(checked.record.overrides,
              ElementsAre("script.directory=\"" + limits_.data[0].string() + "\"",
                          "script.file=\"" + (limits_.data[0] / "train.py").string() + "\""));
  EXPECT_THAT(checked.record.understood, testing::Not(HasSubstr("epochs")));
  EXPECT_THAT(paths(check("script: {file: /etc/passwd.py}\n")), ElementsAre("script.file"));
  EXPECT_THAT(paths(check("script: {file: none.py}\n")), ElementsAre("script.file"));
  EXPECT_THAT(paths(check("script: {module: m, directory: /etc}\n")),
              ElementsAre("script.directory"));
  EXPECT_THAT(check("script: {module: m}\n", 4).refusals, IsEmpty());
}

TEST(IsJobName, TakesDnsLabels) {
  for (const char* const name : {"a", "0", "a-b", "mnist-lenet-2"}) EXPECT_TRUE(is_job_name(name));
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a.b"),
        std::string("a/b"), std::string(".."), std::string("a b"), std::string(64, 'a')}) {
    EXPECT_FALSE(is_job_name(name)) << name;
  }
  EXPECT_TRUE(is_job_name(std::string(63, 'a')));
}

}  // namespace
}  // namespace ringtrain::server
