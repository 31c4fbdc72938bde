// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/job_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/error.hpp"
#include "job/parse.hpp"
#include "mpijob/objects/render.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::mpijob {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNamed =
    "name: mnist  # a comment\nmodel: lenet\ndataset: /data/mnist.h5\noutput: /data/out\n";

TEST(JobText, IsTheFileAsItWasWritten) {
  const TemporaryDirectory folder;
  const auto [file, job, text, notes] = read_job(folder.write("a.yaml", kNamed));
  EXPECT_EQ(job.name, "mnist");
  EXPECT_EQ(text, kNamed);
}

TEST(JobText, IsTheJobAsUnderstoodWithOverrides) {
  const TemporaryDirectory folder;
  const std::vector<std::string> overrides = {"epochs=7"};
  const auto [file, job, text, notes] = read_job(folder.write("a.yaml", kNamed), overrides);
  EXPECT_EQ(job.epochs, 7);
  EXPECT_THAT(text, Not(HasSubstr("a comment")));
  EXPECT_EQ(parse_job_text(text, "job.yaml"), job);
}

TEST(JobText, KeepsANameThatCameFromTheFilesName) {
  const TemporaryDirectory folder;
  const std::string unnamed = std::string(kNamed).substr(std::string(kNamed).find('\n') + 1);
  const auto [file, job, text, notes] = read_job(folder.write("digits.yaml", unnamed));
  EXPECT_EQ(job.name, "digits");
  EXPECT_EQ(parse_job_text(text, "job.yaml").name, "digits");
}

TEST(JobText, ComesWithNotesOnKeysThatHaveNoEffect) {
  const TemporaryDirectory folder;
  const std::vector<std::string> overrides = {"schedule.gamma=0.5"};
  EXPECT_THAT(read_job(folder.write("a.yaml", kNamed), overrides).notes,
              ElementsAre(HasSubstr("--set schedule.gamma: has no effect")));
}

TEST(JobText, IsNamedWhereTheJobCannotBeRendered) {
  const TemporaryDirectory folder;
  const std::vector<std::string> overrides = {"output=runs/a"};
  const JobAndText read = read_job(folder.write("a.yaml", kNamed), overrides);
  EXPECT_THAT([&] { render(read); },
              ThrowsError(ErrorKind::job, HasSubstr("a.yaml: output: runs/a must be an absolute")));
}

}  // namespace
}  // namespace ringtrain::mpijob
