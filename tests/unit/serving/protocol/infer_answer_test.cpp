// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/infer_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/unit/serving/served_models.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::Pair;

const std::vector<float> kOutputs = {0, 2, 1, 3, 0, 0};  // dog, cat

TEST(InferAnswerTest, ListsTheWantedOutputsOfAllRows) {
  const net::Answer answer = infer_answer(
      small_model(), "a\"1",
      {{OutputKind::label}, {OutputKind::logits}, {OutputKind::probabilities}}, kOutputs);
  const json found = json::parse(answer.body);
  EXPECT_EQ(found["model_name"], "small");
  EXPECT_EQ(found["model_version"], "1");
  EXPECT_EQ(found["id"], "a\"1");
  EXPECT_EQ(found["outputs"][0],
            json::parse(R"({"name":"label","datatype":"BYTES","shape":[2],"data":["dog","cat"]})"));
  EXPECT_EQ(found["outputs"][1]["data"], json(kOutputs));
  EXPECT_EQ(found["outputs"][1]["shape"], json({2, 3}));
  double sum = 0;
  for (const double share : found["outputs"][2]["data"]) sum += share;
  EXPECT_NEAR(sum, 2, 1e-6);
  EXPECT_NEAR(found["outputs"][2]["data"][1].get<double>(),
              std::exp(2) / (1 + std::exp(2) + std::exp(1)), 1e-6);
}

TEST(InferAnswerTest, BinaryOutputsFollowTheJson) {
  const net::Answer answer = infer_answer(
      small_model(), "", {{OutputKind::logits, true}, {OutputKind::label, true}}, kOutputs);
  size_t size = 0;
  for (const auto& [name, value] : answer.headers) {
    if (name == "Inference-Header-Content-Length") size = std::stoul(value);
  }
  const json found = json::parse(answer.body.substr(0, size));
  EXPECT_EQ(found["outputs"][0]["parameters"]["binary_data_size"], 24);
  EXPECT_EQ(found["outputs"][1]["parameters"]["binary_data_size"], 14);
  ASSERT_EQ(answer.body.size(), size + 24 + 14);
  std::vector<float> logits(6);
  std::memcpy(logits.data(), answer.body.data() + size, 24);
  EXPECT_EQ(logits, kOutputs);
  EXPECT_EQ(answer.body.substr(size + 24), std::string("\3\0\0\0dog\3\0\0\0cat", 14));
}

TEST(InferAnswerTest, TargetsAreInTheirUnits) {
  const std::vector<float> outputs = {0.5F, -1};
  EXPECT_EQ(json::parse(predictions_answer(table_model(), outputs).body),
            json::parse(R"({"predictions":[{"price":110,"rent":8}]})"));
  const json found =
      json::parse(infer_answer(table_model(), "", {{OutputKind::values}}, outputs).body);
  EXPECT_EQ(found["outputs"][0]["data"], json({110, 8}));
  EXPECT_EQ(json::parse(predict_answer(table_model(), outputs, 3, "").body)["targets"][1],
            json::parse(R"({"target":"rent","value":8.0})"));
}

TEST(InferAnswerTest, WhatIsNotFiniteIsNullAndNamesMayBeAnything) {
  ServedModel model = small_model();
  model.samples.class_names = {"\xff", "\"\n", "c"};
  const json found = json::parse(
      infer_answer(model, "", {{OutputKind::logits}, {OutputKind::label}}, {INFINITY, 1, 2}).body);
  EXPECT_TRUE(found["outputs"][0]["data"][0].is_null());
  EXPECT_EQ(found["outputs"][1]["data"][0], "\xEF\xBF\xBD");
}

TEST(InferAnswerTest, PredictListsTheLikeliestFirst) {
  const json found =
      json::parse(predict_answer(small_model(), {0, 2, 1}, 2, std::string("\0\1\2\3", 4)).body);
  ASSERT_EQ(found["classes"].size(), 2U);
  EXPECT_EQ(found["classes"][0]["class"], "dog");
  EXPECT_EQ(found["classes"][1]["class"], "fox");
  EXPECT_EQ(found["seen"]["shape"], json({1, 2, 2}));
  EXPECT_EQ(found["seen"]["pixels"], "AAECAw==");
}

TEST(InferAnswerTest, APageSaysThePrediction) {
  ServedModel model = small_model();
  model.samples.class_names[1] = "<b> & c";
  const net::Answer page = prediction_page(model, {0, 2, 1});
  EXPECT_THAT(page.body, testing::HasSubstr("<h1>The prediction is &lt;b> &amp; c</h1>"));
  EXPECT_THAT(prediction_page(table_model(), {1, 0.5}).body,
              testing::HasSubstr("The prediction is 120, 11"));
}

TEST(InferAnswerTest, MetadataDescribesInputAndOutputs) {
  const json found = json::parse(metadata_json(small_model()));
  EXPECT_EQ(found["versions"], json({"1"}));
  EXPECT_EQ(found["inputs"],
            json::parse(R"([{"name":"input","datatype":"UINT8","shape":[-1,1,2,2]}])"));
  EXPECT_EQ(found["outputs"][1],
            json::parse(R"({"name":"label","datatype":"BYTES","shape":[-1]})"));
  EXPECT_EQ(found["parameters"]["class_names"], json({"cat", "dog", "fox"}));
  EXPECT_EQ(json::parse(metadata_json(table_model()))["outputs"],
            json::parse(R"([{"name":"values","datatype":"FP32","shape":[-1,2]}])"));
}

TEST(InferAnswerTest, ErrorsAreOneMember) {
  const net::Answer answer = error_answer(404, "no \"x\"");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({"error":"no \"x\""})"));
  EXPECT_THAT(answer.headers, Contains(Pair("Content-Type", "application/json")));
}

}  // namespace
}  // namespace ringtrain::serving
