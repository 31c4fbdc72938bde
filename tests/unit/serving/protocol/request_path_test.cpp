// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/request_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::serving {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

TEST(RequestPathTest, PartsStandForBraces) {
  EXPECT_THAT(match_path("/v2", "/v2"), Optional(IsEmpty()));
  EXPECT_THAT(match_path("/v2/models/{}/infer", "/v2/models/a%20b/infer"),
              Optional(ElementsAre("a b")));
  EXPECT_THAT(match_path("/v2/models/{}/versions/{}", "/v2/models/a/versions/3"),
              Optional(ElementsAre("a", "3")));
  EXPECT_THAT(match_path("/v1/models/{}:predict", "/v1/models/a:predict"),
              Optional(ElementsAre("a")));
}

TEST(RequestPathTest, OtherPathsAndEscapesThatAreNoneDoNotMatch) {
  for (const char* const path :
       {"/v2/models//infer", "/v2/models/a/b/infer", "/v2/models/a/infer/", "/v2/models/a%2/infer",
        "/v2/models/a%zz/infer", "/v2/models/a", ""}) {
    EXPECT_EQ(match_path("/v2/models/{}/infer", path), std::nullopt) << path;
  }
  EXPECT_EQ(match_path("/v1/models/{}:predict", "/v1/models/a/b:predict"), std::nullopt);
  EXPECT_EQ(match_path("/v1/models/{}:predict", "/v1/models/a"), std::nullopt);
}

TEST(RequestPathTest, ReadsQueries) {
  EXPECT_THAT(parse_query("model=a%20b&top=3&seen&=x"),
              ElementsAre(Pair("model", "a b"), Pair("seen", ""), Pair("top", "3")));
  EXPECT_THAT(parse_query(""), IsEmpty());
}

}  // namespace
}  // namespace ringtrain::serving
