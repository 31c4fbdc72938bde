// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "runtime/models/model_files.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

class OutputTest : public testing::Test {
 protected:
  void save(const Output& output, int64_t steps) {
    datasets::DatasetIndex dataset;
    dataset.uuid = "some-uuid";
    dataset.shape = {1, 2, 2};
    dataset.class_names = {"cat", "dog"};
    JobSpec job;
    job.model = "mlp";
    const auto model = make_model({.name = "mlp",
                                   .hidden = {3},
                                   .channels = 1,
                                   .height = 2,
                                   .width = 2,
                                   .classes = 2,
                                   .seed = 1});
    output.save_model(*model, dataset, job);
    Result result;
    result.status = "finished";
    result.steps = steps;
    output.save_result(result);
  }

  TemporaryDirectory folder_;
};

TEST_F(OutputTest, MakesItsFolder) {
  const Output output(folder_ / "a" / "b");
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "a" / "b"));
}

TEST_F(OutputTest, RefusesAFolderThatCannotBeMade) {
  folder_.write("file", "");
  EXPECT_THAT([&] { Output(folder_ / "file" / "b"); },
              ThrowsError(ErrorKind::job, HasSubstr("output: cannot write to")));
}

TEST_F(OutputTest, DescribesTheModelForAServer) {
  const Output output(folder_.path());
  save(output, 7);
  const auto metadata = read_safetensors(output.weights_file()).metadata;
  const auto about = nlohmann::json::parse(metadata.at("ringtrain"));
  EXPECT_EQ(about["class_names"], nlohmann::json({"cat", "dog"}));
  EXPECT_EQ(about["shape"], nlohmann::json({1, 2, 2}));
  EXPECT_EQ(about["dataset"], "some-uuid");
}

TEST_F(OutputTest, DescribesTargetsForAServer) {
  const Output output(folder_.path());
  datasets::DatasetIndex dataset;
  dataset.shape = {1, 2, 2};
  dataset.targets = {.names = {"price"}, .mean = {3}, .std = {2}, .least = {1}, .largest = {9}};
  const auto model = make_model({.name = "mlp",
                                 .hidden = {3},
                                 .channels = 1,
                                 .height = 2,
                                 .width = 2,
                                 .classes = 1,
                                 .seed = 1});
  JobSpec job;
  job.model = "mlp";
  output.save_model(*model, dataset, job);
  const auto metadata = read_safetensors(output.weights_file()).metadata;
  const auto about = nlohmann::json::parse(metadata.at("ringtrain"));
  EXPECT_EQ(about["loss"], "mse");
  EXPECT_EQ(about["targets"], nlohmann::json({"price"}));
  EXPECT_EQ(about["target_mean"], nlohmann::json({3.0}));
  EXPECT_EQ(about["target_std"], nlohmann::json({2.0}));
}

TEST_F(OutputTest, KnowsTheResultOfAFinishedRun) {
  const Output output(folder_.path());
  EXPECT_FALSE(output.result_of(7));
  save(output, 7);
  EXPECT_TRUE(output.result_of(7));
  EXPECT_FALSE(output.result_of(8));
}

TEST_F(OutputTest, KnowsNoResultWithoutBothModelFiles) {
  const Output output(folder_.path());
  save(output, 7);
  std::filesystem::remove(folder_ / "model.pt");
  EXPECT_FALSE(output.result_of(7));
}

TEST_F(OutputTest, KnowsNoResultFromADamagedFile) {
  const Output output(folder_.path());
  save(output, 7);
  folder_.write("result.json", "{\"status\": \"finished\", \"st");
  EXPECT_FALSE(output.result_of(7));
}

}  // namespace
}  // namespace ringtrain
