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

TEST(MatchPath, TakesPartsByName) {
  EXPECT_THAT(match_path("/api/v1/jobs/{name}/logs", "/api/v1/jobs/a%2Db/logs").value(),
              UnorderedElementsAre(Pair("name", "a-b")));
  EXPECT_THAT(match_path("/f/{name}/files/{path...}", "/f/x/files/a/b%20c").value(),
              UnorderedElementsAre(Pair("name", "x"), Pair("path", "a/b c")));
  EXPECT_TRUE(match_path("/", "/"));
  EXPECT_TRUE(match_path("/ui/", "/ui/"));
  EXPECT_FALSE(match_path("/ui/", "/ui"));
  EXPECT_FALSE(match_path("/ui", "/ui/"));
  EXPECT_FALSE(match_path("/ui/{path...}", "/ui/"));
  EXPECT_FALSE(match_path("/jobs/{name}", "/jobs/a/b"));
  EXPECT_FALSE(match_path("/jobs/{name}", "/jobs/"));
  EXPECT_FALSE(match_path("/jobs", "/jobs/a"));
}

TEST(MatchPath, TakesNoPartThatCouldBeSeveral) {
  for (const char* const part : {"a%2Fb", "a%00b", "%", "%4", "%zz", "%ff", ""}) {
    EXPECT_FALSE(match_path("/jobs/{name}", std::string("/jobs/") + part)) << part;
    EXPECT_FALSE(match_path("/f/{path...}", std::string("/f/x/") + part)) << part;
  }
}

TEST(ParseQuery, DecodesAndRefusesWhatIsBroken) {
  EXPECT_THAT(parse_query("a=1&b=x%20y+z&a=2&c").value(),
              UnorderedElementsAre(Pair("a", "2"), Pair("b", "x y z"), Pair("c", "")));
  EXPECT_TRUE(parse_query("")->empty());
  EXPECT_TRUE(parse_query("&&=3")->empty());
  EXPECT_FALSE(parse_query("a=%f"));
  EXPECT_FALSE(parse_query("a=%ff"));
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
