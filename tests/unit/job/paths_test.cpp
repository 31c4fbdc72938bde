// SPDX-License-Identifier: Apache-2.0
#include "job/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/job/refusal.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

class Paths : public testing::Test {
 protected:
  Paths() {
    job_.model = "lenet";
    job_.dataset = directory_.write("d.h5", "x");
    job_.output = directory_.path() / "runs" / "a";
  }

  const TemporaryDirectory directory_;
  JobSpec job_;
};

TEST_F(Paths, MakesTheOutputDirectoryAndLeavesNothingInIt) {
  check_paths(job_);
  ASSERT_TRUE(std::filesystem::is_directory(job_.output));
  EXPECT_TRUE(std::filesystem::is_empty(job_.output));
}

TEST_F(Paths, CanBeLookedAtWithoutMakingTheOutputDirectory) {
  check_paths(job_, MissingOutput::leave);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "runs"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
  job_.output = directory_.path() / "d.h5" / "below";
  EXPECT_THAT(refusal([&] { check_paths(job_, MissingOutput::leave); }),
              HasSubstr("d.h5 is not a directory"));
  job_.output = "/proc/ringtrain/a";
  EXPECT_THAT(refusal([&] { check_paths(job_, MissingOutput::leave); }),
              HasSubstr("cannot be written"));
}

TEST_F(Paths, RefusesAMissingDatasetAndMakesNothing) {
  job_.dataset = directory_.path() / "none.h5";
  EXPECT_THAT([&] { check_paths(job_); }, ThrowsError(ErrorKind::data));
  EXPECT_FALSE(std::filesystem::exists(job_.output));
}

TEST_F(Paths, RefusesAMissingTorchScriptFile) {
  job_.model = "none/model.pt";
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("model: none/model.pt is not there"));
}

TEST_F(Paths, RefusesAnOutputWhoseModelsTheJobStartsFrom) {
  job_.output = directory_.path() / "out";
  job_.model = directory_.write("out/model.pt", "x").string();
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("is the job's model: choose another"));
  job_.model = directory_.write("net.pt", "x").string();
  check_paths(job_);
  job_.initialize_from = directory_.write("out/model.safetensors", "x");
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("is the job's initialize_from"));
}

TEST_F(Paths, SaysHowWeightsOfKerasAreConverted) {
  job_.initialize_from = directory_.write("net.h5", "\x89HDF\r\n\x1a\n and so on");
  EXPECT_THAT(refusal([&] { check_paths(job_); }),
              HasSubstr("net.h5 is a model of Keras: 'ringtrain model convert "));
}

TEST_F(Paths, RefusesAMissingCheckpoint) {
  job_.checkpoint.resume = "none/7";
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("checkpoint.resume: none/7"));
}

TEST_F(Paths, RefusesAnOutputThatCannotBeWritten) {
  job_.output = directory_.path() / "d.h5";
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("cannot be written"));
  job_.output = directory_.path() / "d.h5" / "below";
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("cannot be written"));
  job_.output = "/proc/ringtrain";
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("cannot be written"));
  job_.output = "/sys/kernel";  // root passes its permission bits
  EXPECT_THAT(refusal([&] { check_paths(job_); }), HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace ringtrain
