// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/infer_request.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "serving/protocol/refusal.hpp"
#include "tests/unit/serving/served_models.hpp"

namespace ringtrain::serving {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

const RequestLimits kLimits{.max_rows = 8};

InferRequest parse(const std::string& body, const ServedModel& model = small_model()) {
  return parse_infer(body, std::nullopt, model, kLimits);
}

InferRequest parse_binary(const std::string& json, const std::string& bytes,
                          const ServedModel& model = small_model()) {
  const std::string size = std::to_string(json.size());
  return parse_infer(json + bytes, size, model, kLimits);
}

std::string rows_of(const InferRequest& request, const ServedModel& model = small_model()) {
  return {reinterpret_cast<const char*>(request.input.data()),
          request.input.rows * model.samples.row_bytes()};
}

template <class Parse>
void expect_refusal(const Parse& parse_it, const std::string& message) {
  EXPECT_THAT(parse_it, Throws<Refusal>(AllOf(Property(&Refusal::status, 400),
                                              Property(&Refusal::what, HasSubstr(message)))));
}

std::string body(const std::string& shape, const std::string& data, const char* type = "UINT8") {
  return fmt::format(R"({{"inputs":[{{"name":"input","datatype":"{}","shape":{},"data":{}}}]}})",
                     type, shape, data);
}

TEST(InferRequestTest, TakesNestedAndFlatNumbersAndShapesWithoutOnes) {
  const std::string expected("\1\2\3\4", 4);
  for (const auto& text : {body("[1,1,2,2]", "[1,2,3,4]"), body("[1,2,2]", "[[[1,2],[3,4]]]"),
                           body("[1,1,2,2]", "[[[[1,2],[3,4.0]]]]")}) {
    const InferRequest request = parse(text);
    EXPECT_EQ(request.input.rows, 1U);
    EXPECT_EQ(rows_of(request), expected);
  }
}

TEST(InferRequestTest, AllOutputsAreWantedUnlessSomeAreNamed) {
  const InferRequest all = parse(body("[1,2,2]", "[1,2,3,4]"));
  ASSERT_EQ(all.outputs.size(), 3U);
  const InferRequest one =
      parse(R"({"id":"a1","inputs":[)"
            R"({"name":"input","datatype":"UINT8","shape":[1,2,2],"data":[1,2,3,4]}],)"
            R"("outputs":[{"name":"label","parameters":{"binary_data":true}}]})");
  EXPECT_EQ(one.id, "a1");
  ASSERT_EQ(one.outputs.size(), 1U);
  EXPECT_EQ(one.outputs[0].kind, OutputKind::label);
  EXPECT_TRUE(one.outputs[0].binary);
}

constexpr const char* kBinary =
    R"({"inputs":[{"name":"input","datatype":"UINT8","shape":[2,1,2,2],)"
    R"("parameters":{"binary_data_size":8}}],"parameters":{"binary_data_output":true}})";

TEST(InferRequestTest, TakesBytesBehindTheJson) {
  const InferRequest request = parse_binary(kBinary, "abcdefgh");
  EXPECT_EQ(request.input.rows, 2U);
  EXPECT_EQ(rows_of(request), "abcdefgh");
  EXPECT_TRUE(request.outputs.at(0).binary);
}

TEST(InferRequestTest, FloatsBehindTheJsonAreAlignedAndFinite) {
  const std::vector<float> values = {1, 2, 3};
  std::string bytes(12, '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  std::string json = R"({"inputs":[{"name":"input","datatype":"FP32","shape":[1,3],)"
                     R"("parameters":{"binary_data_size":12}}]})";
  for (int i = 0; i < 4; ++i, json += ' ') {
    const InferRequest request = parse_binary(json, bytes, table_model());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(request.input.data()) % sizeof(float), 0U);
    EXPECT_EQ(rows_of(request, table_model()), bytes);
  }
  const float nan = NAN;
  std::memcpy(bytes.data() + 4, &nan, sizeof nan);
  expect_refusal([&] { parse_binary(json, bytes, table_model()); }, "number 1 is not finite");
}

TEST(InferRequestTest, NamesTheTensorWhatWasExpectedAndWhatWasFound) {
  const auto refused = [](const std::string& text, const std::string& message) {
    expect_refusal([&] { parse(text); }, message);
  };
  refused("{", "not JSON");
  refused("[]", "must be a JSON object");
  refused("{\"inputs\":" + std::string(400, '1') + "}", "a number that is too large");
  refused("{}", "\"inputs\" must be a list of one tensor");
  refused(std::string(100, '['), "nested too deep");
  refused(R"({"inputs":[{"name":"x","datatype":"UINT8","shape":[1,2,2],"data":[]}]})",
          "small has no input x; it has input");
  refused(body("[1,2,2]", "[1,2,3,4]", "FP32"), "expected the datatype UINT8, got FP32");
  refused(body("[1,1,3,2]", "[1]"), "expected the shape [rows, 1, 2, 2], got [1, 1, 3, 2]");
  refused(body("[]", "[1]"), "expected the shape");
  refused(body("[-1,2,2]", "[1]"), "must be a list of whole numbers");
  refused(body("[1.5,2,2]", "[1]"), "must be a list of whole numbers");
  refused(body("[0,2,2]", "[]"), "expected 1 to 8 rows, got 0");
  refused(body("[1099511627776,1,2,2]", "[1]"), "expected 1 to 8 rows, got 1099511627776");
  refused(body("[18446744073709551615,1,2,2]", "[1]"), "must be a list of whole numbers");
  refused(body("[1,2,2]", "[1,2,3]"), "expected 4 numbers for its shape, got 3");
  refused(body("[1,2,2]", "[1,2,3,4,5]"), "expected 4 numbers, got more");
  refused(body("[1,2,2]", "[1,2,3,256]"), "expected whole numbers from 0 to 255, got 256");
  refused(body("[1,2,2]", "[1,2,3,0.5]"), "got 0.5");
  refused(body("[1,2,2]", "[1,2,3,\"4\"]"), "got \"4\"");
  refused(body("[1,2,2]", "[1,2,3,null]"), "got null");
  refused(body("[1,2,2]", "{}"), "\"data\" must be a list");
}

TEST(InferRequestTest, RefusesOutputsThatAreNone) {
  const auto with = [](const std::string& outputs) {
    return R"({"inputs":[{"name":"input","datatype":"UINT8","shape":[1,2,2],)"
           R"("data":[1,2,3,4]}],"outputs":)" +
           outputs + "}";
  };
  expect_refusal([&] { parse(with(R"([{"name":"x"}])")); },
                 "small has no output x; it has probabilities, label, logits");
  expect_refusal([&] { parse(with("{}")); }, "must be a list");
  expect_refusal(
      [&] {
        parse(with(R"([{"name":"label"},{"name":"label"},{"name":"label"},{"name":"label"}])"));
      },
      "named twice");
}

TEST(InferRequestTest, RefusesBytesThatAreNotOfTheTensor) {
  expect_refusal([&] { parse_binary(kBinary, "abcdefg"); },
                 "expected 8 bytes behind the JSON, got 7");
  expect_refusal([&] { parse_binary(kBinary, "abcdefghi"); }, "got 9");
  std::string other = kBinary;
  other.replace(other.find(":8}"), 3, ":9}");
  expect_refusal([&] { parse_binary(other, "abcdefghi"); },
                 "expected binary_data_size 8 for its shape, got 9");
  expect_refusal([&] { parse_infer(kBinary, "99999", small_model(), kLimits); },
                 "Inference-Header-Content-Length");
  expect_refusal([&] { parse_infer(kBinary, "x", small_model(), kLimits); }, "got x");
  expect_refusal([&] { parse_infer(kBinary, "-1", small_model(), kLimits); }, "got -1");
  expect_refusal([&] { parse_binary(body("[1,2,2]", "[1,2,3,4]"), "abcd"); },
                 "bytes follow the JSON");
}

InputRows instances(const std::string& text, const ServedModel& model = small_model()) {
  return parse_instances(text, model, kLimits, [](const std::string& bytes, const ServedModel&) {
    return "<" + bytes + ">";
  });
}

TEST(InferRequestTest, InstancesAreArraysOrImages) {
  const InputRows rows = instances(R"({"instances":[[[[1,2],[3,4]]],[5,6,7,8],{"b64":"aGk="}]})");
  EXPECT_EQ(rows.rows, 3U);
  EXPECT_EQ(rows.bytes, std::string("\1\2\3\4\5\6\7\10<hi>", 12));
}

TEST(InferRequestTest, InstancesThatDoNotFitAreNamed) {
  expect_refusal([] { instances(R"({"instances":[]})"); }, "must be a list of 1 to 8 samples");
  expect_refusal([] { instances(R"({"instances":[1,2,3,4,5,6,7,8,9]})"); },
                 "must be a list of 1 to 8 samples");
  expect_refusal([] { instances(R"({"instances":[[1,2,3,4],[1,2]]})"); },
                 "instances[1]: expected 4 numbers, as 1 x 2 x 2");
  expect_refusal([] { instances(R"({"instances":[{"b64":"?"}]})"); },
                 "instances[0]: \"b64\" is not base64");
  expect_refusal([] { instances(R"({"instances":[{"x":1}]})"); }, "\"b64\" must be a string");
}

}  // namespace
}  // namespace ringtrain::serving
