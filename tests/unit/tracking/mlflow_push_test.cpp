// SPDX-License-Identifier: Apache-2.0
#include "tracking/mlflow_push.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/events_file.hpp"
#include "tests/unit/net/fake_server.hpp"
#include "tests/unit/temporary_directory.hpp"
#include "tracking/to_mlflow.hpp"

namespace ringtrain::tracking {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// A tracking server that records what it gets, and fails as often as it is asked to.
class MlflowPushTest : public testing::Test {
 protected:
  net::Reply answer(const net::ReceivedRequest& request) {
    const std::lock_guard lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      return {.status = failure_status_, .pieces = {"out of order"}};
    }
    if (request.target.find("get-by-name") != std::string::npos)
      return {.status = 404, .pieces = {}};
    if (request.target.ends_with("experiments/create")) {
      return {.pieces = {R"({"experiment_id":"7"})"}};
    }
    if (request.target.ends_with("runs/create")) {
      runs_.push_back(json::parse(request.body));
      return {.pieces = {json{{"run",
                               {{"info",
                                 {{"run_id", "r" + std::to_string(runs_.size())},
                                  {"artifact_uri", "mlflow-artifacts:/7/r/artifacts"}}}}}}
                             .dump()}};
    }
    if (request.target.ends_with("runs/update")) {
      updates_.push_back(json::parse(request.body)["status"]);
    } else if (request.method == "PUT") {
      artifacts_.push_back(request.target);
    } else {
      const json body = json::parse(request.body);
      if (body.contains("metrics")) batches_.push_back(body["metrics"]);
      if (body.contains("params")) parameters_ = body["params"];
    }
    return {.pieces = {"{}"}};
  }

  MlflowPush push() {
    return MlflowPush({.url = server_.url()}, folder_ / "mlflow.json", "job", {{"a.b", "1"}},
                      folder_ / "events.jsonl");
  }
  void write(const Event& event) { events_.append(print_event(event, 1)); }
  void write_step(int64_t step) {
    StepEvent event;
    event.step = step;
    event.loss = 0.5;
    write(event);
  }
  void write_start(int64_t from_step) {
    StartedEvent event;
    event.from_step = from_step;
    write(event);
  }
  std::vector<int64_t> pushed_steps() const {
    std::vector<int64_t> steps;
    for (const json& batch : batches_) {
      for (const json& metric : batch) {
        if (metric["key"] == "loss") steps.push_back(metric["step"]);
      }
    }
    return steps;
  }

  TemporaryDirectory folder_;
  EventsFile events_{folder_ / "events.jsonl"};
  std::mutex mutex_;
  int failures_ = 0;
  int failure_status_ = 503;
  std::vector<json> runs_, batches_;
  json parameters_;
  std::vector<std::string> updates_, artifacts_;
  net::FakeServer server_{[this](const net::ReceivedRequest& request) { return answer(request); }};
};

TEST_F(MlflowPushTest, MakesARunWithItsParametersAndClosesIt) {
  MlflowPush push = this->push();
  write_start(0);
  write_step(1);
  EXPECT_FALSE(push.push());
  ASSERT_EQ(runs_.size(), 1u);
  EXPECT_EQ(runs_[0]["experiment_id"], "7");
  EXPECT_EQ(runs_[0]["run_name"], "job");
  EXPECT_EQ(parameters_, json::parse(R"([{"key":"a.b","value":"1"}])"));
  EXPECT_THAT(pushed_steps(), ElementsAre(1));
  EXPECT_TRUE(is_open_in_mlflow(folder_ / "mlflow.json"));
  write_file(folder_ / "result.json", "{}");
  push.finish({.status = RunStatus::finished});
  EXPECT_THAT(updates_, ElementsAre("RUNNING", "FINISHED"));
  EXPECT_THAT(artifacts_,
              ElementsAre("/api/2.0/mlflow-artifacts/artifacts/7/r/artifacts/result.json"));
  EXPECT_FALSE(is_open_in_mlflow(folder_ / "mlflow.json"));
}

TEST_F(MlflowPushTest, PushesEveryStepOnceAcrossLaunchersAndLosses) {
  {
    MlflowPush first = push();
    write_start(0);
    for (const int step : {1, 2, 3}) write_step(step);
    first.push();
  }
  MlflowPush second = push();
  write_start(1);
  for (const int step : {2, 3, 4}) write_step(step);
  second.push();
  EXPECT_THAT(pushed_steps(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(runs_.size(), 1u);
}

TEST_F(MlflowPushTest, MakesAnotherRunWhereTrainingStartsOver) {
  MlflowPush push = this->push();
  write_start(0);
  write_step(5);
  push.push();
  write_start(0);
  write_step(1);
  push.push();
  EXPECT_EQ(runs_.size(), 2u);
  EXPECT_THAT(updates_, ElementsAre("RUNNING", "KILLED", "RUNNING"));
  EXPECT_THAT(pushed_steps(), ElementsAre(5, 1));
}

TEST_F(MlflowPushTest, LosesNothingWhileTheServerFails) {
  MlflowPush push = this->push();
  write_start(0);
  write_step(1);
  failures_ = 2;
  SharedRun run;
  run.end({.status = RunStatus::lost});
  EXPECT_TRUE(push_to_mlflow(push, run, std::chrono::seconds(30)));
  EXPECT_THAT(pushed_steps(), ElementsAre(1));
  EXPECT_THAT(updates_, ElementsAre("RUNNING", "FAILED"));
}

TEST_F(MlflowPushTest, GivesUpWhereTheServerRefuses) {
  MlflowPush push = this->push();
  write_start(0);
  write_step(1);
  failures_ = 1;
  failure_status_ = 403;
  SharedRun run;
  testing::internal::CaptureStderr();
  EXPECT_FALSE(push_to_mlflow(push, run, std::chrono::seconds(30)));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("it answers 403: out of order"));
}

TEST_F(MlflowPushTest, SendsAtMostAThousandMetricsAtATime) {
  MlflowPush push = this->push();
  write_start(0);
  for (int step = 1; step <= 600; ++step) write_step(step);
  push.push();
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_EQ(batches_[0].size(), 1000u);
}

TEST_F(MlflowPushTest, ContinuesWhatAnEarlierLauncherBegan) {
  {
    MlflowPush first = push();
    write_start(0);
    write_step(1);
    first.push();
    write_step(2);
  }
  MlflowPush rest({.url = server_.url()}, folder_ / "mlflow.json");
  rest.push();
  EXPECT_THAT(pushed_steps(), ElementsAre(1, 2));
  EXPECT_THROW(MlflowPush({.url = server_.url()}, folder_ / "none.json"), Error);
}

TEST(MlflowParameters, AreTheKeysByTheirPaths) {
  const std::map<std::string, std::string> expected = {
      {"a", "x"}, {"b.c", "0.5"}, {"b.d", "[1,2]"}};
  EXPECT_EQ(parameters_of(R"({"a":"x","b":{"c":0.5,"d":[1,2]}})"), expected);
}

TEST(MlflowFromEnvironment, TakesServersAlone) {
  std::string note;
  ::unsetenv("MLFLOW_TRACKING_URI");
  EXPECT_FALSE(mlflow_from_environment(note));
  EXPECT_EQ(note, "");
  ::setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db", 1);
  EXPECT_FALSE(mlflow_from_environment(note));
  EXPECT_THAT(note, HasSubstr("only http and https are pushed to"));
  ::setenv("MLFLOW_TRACKING_URI", "http://host:5000/", 1);
  ::setenv("MLFLOW_EXPERIMENT_NAME", "mine", 1);
  const auto server = mlflow_from_environment(note);
  ::unsetenv("MLFLOW_TRACKING_URI");
  ::unsetenv("MLFLOW_EXPERIMENT_NAME");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->url, "http://host:5000");
  EXPECT_EQ(server->experiment_name, "mine");
}

}  // namespace
}  // namespace ringtrain::tracking
