// SPDX-License-Identifier: Apache-2.0
#include "net/request_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::net {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

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

TEST(MatchPath, TakesAPartThatEndsInAWordOfItsOwn) {
  const char* const pattern = "/v1/models/{model}:predict";
  EXPECT_THAT(match_path(pattern, "/v1/models/a%20b:predict").value(),
              UnorderedElementsAre(Pair("model", "a b")));
  for (const char* const path : {"/v1/models/a", "/v1/models/:predict", "/v1/models/a/b:predict",
                                 "/v1/models/a:predict/", "/v1/models/a%3Apredict"}) {
    EXPECT_FALSE(match_path(pattern, path)) << path;
  }
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

}  // namespace
}  // namespace ringtrain::net
