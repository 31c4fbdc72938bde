// SPDX-License-Identifier: Apache-2.0
#include "tracking/trainer_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "tests/unit/net/fake_server.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::tracking {
namespace {

using nlohmann::json;
using testing::HasSubstr;

JobFigures half_done() {
  JobFigures figures;
  figures.step = 50;
  figures.steps = 100;
  figures.loss = 0.25;
  figures.test_accuracy = 0.5;
  figures.seconds_left = 12.7;
  return figures;
}

// The shape of TrainerStatus in kubeflow/trainer's pkg/apis/trainer/v1alpha1/trainjob_types.go.
TEST(TrainerStatus, HasTheKeysOfTheController) {
  const json status = json::parse(trainer_status(half_done(), *parse_time("2026-11-24T23:51:30Z")));
  EXPECT_EQ(status, json::parse(R"({"trainerStatus": {
      "progressPercentage": 50, "estimatedRemainingSeconds": 12,
      "metrics": [{"name": "loss", "value": "0.25"}, {"name": "test_accuracy", "value": "0.5"}],
      "lastUpdatedTime": "2026-11-24T23:51:30Z"}})"));
}

TEST(TrainerStatus, IsCompleteOnceTheModelIsWritten) {
  JobFigures figures = half_done();
  figures.step = 100;
  const auto percentage = [&] {
    return json::parse(trainer_status(figures, Time{}))["trainerStatus"]["progressPercentage"];
  };
  EXPECT_EQ(percentage(), 99);
  figures.is_finished = true;
  EXPECT_EQ(percentage(), 100);
}

TEST(TrainerServer, GetsTheTokenOfTheMoment) {
  const TemporaryDirectory folder;
  std::string headers;
  int status = 200;
  net::FakeServer controller([&](const net::ReceivedRequest& request) {
    headers = request.headers;
    return net::Reply{.status = status, .pieces = {"{}"}};
  });
  const TrainerServer server{.url = controller.url() + "/status", .token = folder / "token"};
  net::HttpClient http;
  for (const char* const token : {"first", "second"}) {
    write_file(folder / "token", std::string(token) + "\n");
    EXPECT_TRUE(post_trainer_status(http, server, "{}"));
    EXPECT_THAT(headers, HasSubstr("Authorization: Bearer " + std::string(token) + "\r\n"));
  }
  for (const auto& [answer, again] :
       {std::pair(422, false), {404, false}, {503, true}, {401, true}}) {
    status = answer;
    EXPECT_EQ(post_trainer_status(http, server, "{}"), again) << answer;
  }
}

}  // namespace
}  // namespace ringtrain::tracking
