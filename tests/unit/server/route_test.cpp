// SPDX-License-Identifier: Apache-2.0
#include "server/api/route.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

// The status of the problem that `work` throws, and its line.
template <class Work>
std::pair<int, std::string> refused(const Work& work) {
  try {
    work();
  } catch (const Problem& problem) {
    return {problem.status(), problem.detail()};
  }
  return {0, ""};
}

std::pair<int, std::string> refused_json(const std::string& text) {
  return refused([&] { parse_json(text); });
}

TEST(ParseJson, RefusesWhatCouldMeanTwoThings) {
  EXPECT_EQ(parse_json(R"({"a": [1, {"a": 2}], "b": {"a": 3}})")["b"]["a"], 3);
  EXPECT_THAT(refused_json(R"({"a": 1, "b": {}, "a": 2})"),
              Pair(400, HasSubstr("'a' is there twice")));
  EXPECT_THAT(refused_json(std::string(65, '[') + std::string(65, ']')),
              Pair(400, HasSubstr("more than 64 levels")));
  EXPECT_THAT(refused_json("{\"a\": NaN}"), Pair(400, HasSubstr("no JSON")));
  EXPECT_THAT(refused_json("{\"a\": 1e999}"), Pair(400, HasSubstr("out of range")));
  EXPECT_THAT(refused_json("{\"a\": \"\xff\"}"), Pair(400, HasSubstr("no JSON")));
  EXPECT_THAT(refused_json(""), Pair(400, HasSubstr("no JSON")));
  EXPECT_THAT(refused_json(std::string(1 << 20, '[')), Pair(400, HasSubstr("levels")));
}

TEST(Call, ChecksParameters) {
  const net::ServedRequest request;
  const Call call{.request = request, .query = {{"n", "7"}, {"bad", "7x"}, {"yes", "true"}}};
  EXPECT_EQ(call.number("n", 1, 0, 10), 7);
  EXPECT_EQ(call.number("none", 1, 0, 10), 1);
  EXPECT_TRUE(call.flag("yes"));
  EXPECT_FALSE(call.flag("none"));
  EXPECT_THAT(refused([&] { call.number("n", 1, 0, 6); }),
              Pair(400, "n: must be a whole number, 0 to 6, found '7'"));
  EXPECT_THAT(refused([&] { call.number("bad", 1, 0, 6); }), Pair(400, HasSubstr("'7x'")));
  EXPECT_THAT(refused([&] { call.flag("n"); }), Pair(400, HasSubstr("true or false")));
}

}  // namespace
}  // namespace ringtrain::server
