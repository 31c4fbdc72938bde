// SPDX-License-Identifier: Apache-2.0
// Expected bodies are those of FastAPI 0.165 with Pydantic 2.14.
#include "server/api/seed_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "job/parse.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json detail_of(const std::string& body) {
  try {
    parse_seed_request(body);
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 422);
    return problem.more().at("detail");
  }
  return nullptr;
}

std::string refused_job(const SeedRequest& request) {
  try {
    job_file_of(request);
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 500);
    return problem.detail();
  }
  return "";
}

TEST(SeedRequest, HasTheDefaultsOfTheSeed) {
  const SeedRequest request = parse_seed_request(R"({"job_name": "a", "unknown": [1]})");
  EXPECT_EQ(request.job_name, "a");
  EXPECT_EQ(request.image, "trainer:latest");
  EXPECT_EQ(request.epochs, 2);
  EXPECT_EQ(request.batch_size, 64);
  EXPECT_EQ(request.world_size, 2);
  EXPECT_EQ(request.dataset_size, 0);
}

TEST(SeedRequest, TakesTheNumbersThatPydanticTakes) {
  const SeedRequest request = parse_seed_request(
      R"({"job_name": "a", "epochs": "3", "batch_size": 2.0, "world_size": true,)"
      R"( "dataset_size": -5})");
  EXPECT_EQ(request.epochs, 3);
  EXPECT_EQ(request.batch_size, 2);
  EXPECT_EQ(request.world_size, 1);
  EXPECT_EQ(request.dataset_size, -5);
}

TEST(SeedRequest, RefusesAsPydanticDoes) {
  EXPECT_EQ(detail_of(R"({"epochs": 2.5})"), json::parse(R"([
    {"type": "missing", "loc": ["body", "job_name"], "msg": "Field required",
     "input": {"epochs": 2.5}},
    {"type": "int_from_float", "loc": ["body", "epochs"], "input": 2.5,
     "msg": "Input should be a valid integer, got a number with a fractional part"}])"));
  EXPECT_EQ(detail_of(R"({"job_name": 5, "epochs": "x"})"), json::parse(R"([
    {"type": "string_type", "loc": ["body", "job_name"], "msg": "Input should be a valid string",
     "input": 5},
    {"type": "int_parsing", "loc": ["body", "epochs"], "input": "x",
     "msg": "Input should be a valid integer, unable to parse string as an integer"}])"));
  EXPECT_EQ(detail_of("")[0]["type"], "missing");
  EXPECT_EQ(detail_of("{")[0]["type"], "json_invalid");
  EXPECT_EQ(detail_of("[]")[0]["type"], "model_attributes_type");
}

TEST(SeedRequest, BecomesAJobOfTheSameSamples) {
  const JobSpec job = parse_job_text(
      job_file_of({.job_name = "a-job", .epochs = 3, .batch_size = 64, .world_size = 2}),
      "job.yaml");
  EXPECT_EQ(job.name, "a-job");
  EXPECT_EQ(job.epochs, 3);
  EXPECT_EQ(job.batch_size, 128);
  EXPECT_EQ(job.dataset, "data/mnist.h5");
  EXPECT_EQ(job.optimizer.type, OptimizerSpec::Type::adamw);
  EXPECT_FALSE(job.samples);
  const JobSpec part = parse_job_text(
      job_file_of({.job_name = "b", .epochs = 2, .dataset_size = 1000, .batch_size = 50}),
      "job.yaml");
  EXPECT_EQ(part.samples, 1000);
}

TEST(SeedRequest, CannotEscapeItsPlaceInTheJobFile) {
  const std::string name = "a\nmodel: /etc/passwd\nx: \"";
  const auto refusals = find_refusals(job_file_of({.job_name = name}));
  ASSERT_FALSE(refusals.empty());
  EXPECT_EQ(refusals[0].message.find("passwd: "), std::string::npos);
}

TEST(SeedRequest, TakesADatasetInABucket) {
  const std::string uri = "s3://datasets/mnist.h5";
  EXPECT_EQ(parse_job_text(job_file_of({.job_name = "a", .dataset_uri = uri}), "job.yaml").dataset,
            uri);
}

TEST(SeedRequest, RefusesPlacesThatCannotBeReadByName) {
  EXPECT_THAT(refused_job({.job_name = "a", .dataset_uri = "ftp://host/data"}),
              HasSubstr("'ftp://host/data' names another place: give s3://BUCKET/KEY"));
  EXPECT_THAT(refused_job({.job_name = "a", .dataset_type = "butterfly_csv"}),
              HasSubstr("must be mnist"));
  EXPECT_THAT(refused_job({.job_name = "a", .batch_size = 0}), HasSubstr("at least 1"));
}

std::string refused_defaults(const std::string& text) {
  try {
    read_seed_defaults(text, "defaults.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SeedRequest, InAClusterHasTheImageOfItsBodyAndTheVolumesOfTheServer) {
  json defaults = read_seed_defaults(
      "output: /data/runs\ndataset: /data/mnist.h5\n"
      "kubernetes: {volumes: [{mount: /data, claim: mnist}]}\n",
      "defaults.yaml");
  const JobSpec job = parse_job_text(
      job_file_of({.job_name = "a-job", .image = "trainer:2"}, defaults), "job.yaml");
  EXPECT_EQ(job.dataset, "/data/mnist.h5");
  EXPECT_EQ(job.output, "/data/runs/a-job");
  ASSERT_TRUE(job.kubernetes);
  EXPECT_EQ(job.kubernetes->image, "trainer:2");
  ASSERT_EQ(job.kubernetes->volumes.size(), 1U);
  EXPECT_EQ(job.kubernetes->volumes[0].claim, "mnist");
  defaults["kubernetes"]["image"] = "ringtrain:1";
  const JobSpec other = parse_job_text(
      job_file_of({.job_name = "b", .dataset_uri = "s3://b/m.h5"}, defaults), "job.yaml");
  EXPECT_EQ(other.kubernetes->image, "ringtrain:1");
  EXPECT_EQ(other.dataset, "s3://b/m.h5");
}

TEST(SeedRequest, RefusesDefaultsThatAreNone) {
  for (const char* text : {"[]", "output: /data", "output: 1\nkubernetes: {}", "kubernetes: {}",
                           "output: /d\nkubernetes: {}\ndataset: 2"}) {
    EXPECT_THAT(refused_defaults(text), HasSubstr("defaults.yaml: must have output")) << text;
  }
  EXPECT_THAT(refused_defaults("output: /d\nkubernetes: {}\nepochs: 3"),
              HasSubstr("defaults.yaml: epochs: is the body's"));
  EXPECT_THAT(refused_defaults("output: /d\nkubernetes: {workers: 0}"),
              HasSubstr("defaults.yaml: kubernetes.workers: "));
}

}  // namespace
}  // namespace ringtrain::server
