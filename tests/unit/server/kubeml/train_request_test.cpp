// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/train_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/parse.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

std::pair<int, std::string> refusal(const std::string& body) {
  try {
    parse_train_request(body);
  } catch (const Problem& problem) {
    return {problem.status(), problem.detail()};
  }
  return {200, ""};
}

TEST(TrainRequest, HasTheDefaultsOfTheCommandLine) {
  EXPECT_EQ(parse_train_request(R"({"dataset": "mnist", "function_name": "lenet"})").dump(),
            R"({"model_type":"example","batch_size":64,"epochs":1,"dataset":"mnist","lr":0.01,)"
            R"("function_name":"lenet","options":{"default_parallelism":2,)"
            R"("static_parallelism":false,"validate_every":0,"k":-1,"goal_accuracy":100}})");
}

TEST(TrainRequest, RefusesNumbersThatCannotBe) {
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"lr": -1})", "lr: must be a number above 0, found -1"},
           {R"({"lr": 1e999})", ""},
           {R"({"lr": "fast"})", "lr: must be a number above 0, found \"fast\""},
           {R"({"batch_size": 0})", "batch_size: must be a whole number, 1 to 1024, found 0"},
           {R"({"epochs": 2.5})", "epochs: must be a whole number, 1 to 2147483647, found 2.5"},
           {R"({"epochs": 18446744073709551615})", "epochs"},
           {R"({"options": {"k": 0}})", "k: must be"},
           {R"({"options": {"k": -2}})", "k: must be"},
           {R"({"options": {"static_parallelism": 1}})", "static_parallelism: must be true or"},
           {R"({"options": {"goal_accuracy": 0}})", "goal_accuracy: must be a number above 0"},
           {R"({"options": []})", "options: must be an object"}}) {
    EXPECT_THAT(refusal(body).second, HasSubstr(words)) << body;
    EXPECT_NE(refusal(body).first, 200) << body;
  }
  EXPECT_EQ(refusal("{").first, 500);
  EXPECT_EQ(refusal("3").first, 500);
}

TEST(TrainRequest, BecomesAJobFileThatKnowsItAgain) {
  KubemlTask task;
  task.id = "0a1b2c3d";
  task.code = "/folder/with \"quotes\"/lenet.py";
  task.quiet_seconds = 1000;
  task.request = parse_train_request(R"({"dataset": "mnist: #1"})");
  JobSpec job;
  EXPECT_TRUE(find_refusals(job_file_of(task), {}, &job, nullptr).empty());
  EXPECT_EQ(job.name, "job-0a1b2c3d");
  ASSERT_TRUE(job.script);
  EXPECT_EQ(job.script->hang_timeout_seconds, 1000);
  EXPECT_EQ(request_of(job_to_json(job).dump()), task.request);
  EXPECT_TRUE(request_of(R"({"script": {"module": "kubeml.job", "args": ["{"]}})").is_null());
  EXPECT_TRUE(request_of(R"({"script": {"file": "train.py"}})").is_null());
  EXPECT_TRUE(request_of(R"({"model": "lenet", "script": null})").is_null());
  EXPECT_TRUE(request_of("").is_null());
}

}  // namespace
}  // namespace ringtrain::server
