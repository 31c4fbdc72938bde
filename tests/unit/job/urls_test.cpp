// SPDX-License-Identifier: Apache-2.0
// URLs in place of the paths of a job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "job/parse.hpp"
#include "job/paths.hpp"
#include "tests/unit/job/refusal.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

JobSpec job_with(const std::string& keys) {
  return parse_job_text("model: lenet\ndataset: s3://data/mnist.h5\n" + keys, "job.yaml", {});
}

TEST(UrlsOfAJob, StayAsTheyAre) {
  const JobSpec job = job_with(
      "output: s3://data/runs//a\ninitialize_from: https://host/m.safetensors?signature=a/../b\n");
  EXPECT_EQ(job.dataset.string(), "s3://data/mnist.h5");
  EXPECT_EQ(job.output.string(), "s3://data/runs//a");
  EXPECT_EQ(job.initialize_from.string(), "https://host/m.safetensors?signature=a/../b");
}

TEST(UrlsOfAJob, OfFilesAreTheirPaths) {
  EXPECT_EQ(job_with("output: file:///runs/a%20b\n").output.string(), "/runs/a b");
}

TEST(UrlsOfAJob, AreNotLookedForOnTheDisk) {
  const JobSpec job = job_with("output: s3://data/runs/a\ninitialize_from: s3://data/m\n");
  check_paths(job);
  EXPECT_FALSE(std::filesystem::exists("s3:"));
}

TEST(UrlsOfAJob, AnOutputIsAFolderOrAPrefixOfABucket) {
  for (const char* output : {"s3://data", "s3://data/", "s3:///", "https://host/runs"}) {
    EXPECT_THAT(refusal([&] { job_with(std::string("output: ") + output + "\n"); }),
                HasSubstr("must be a folder, or s3://BUCKET/PREFIX"))
        << output;
  }
  EXPECT_THAT(refusal([] {
                parse_job_text("script: {file: train.py}\noutput: s3://data/a\n", "job.yaml", {});
              }),
              HasSubstr("must be a folder where a script writes to it"));
}

// As in the pods of kubejob.
TEST(UrlsOfAJob, HaveTheBucketOfTheEnvironmentWhereTheyNameNone) {
  EXPECT_EQ(job_with("output: s3:///runs/a\n").output, "s3:///runs/a");
  ::setenv("trainingbucket", "training", 1);
  const JobSpec named = job_with("output: s3:///runs/a\n");
  const JobSpec own = job_with("output: s3://mine/runs/a\n");
  ::unsetenv("trainingbucket");
  EXPECT_EQ(named.output, "s3://training/runs/a");
  EXPECT_EQ(own.output, "s3://mine/runs/a");
}

}  // namespace
}  // namespace ringtrain
