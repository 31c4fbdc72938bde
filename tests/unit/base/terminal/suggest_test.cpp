// SPDX-License-Identifier: Apache-2.0
#include "base/terminal/suggest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringtrain {
namespace {

TEST(EditDistance, CountsSingleChanges) {
  EXPECT_EQ(edit_distance("run", "run"), 0);
  EXPECT_EQ(edit_distance("run", "rum"), 1);
  EXPECT_EQ(edit_distance("rn", "run"), 1);
  EXPECT_EQ(edit_distance("runn", "run"), 1);
  EXPECT_EQ(edit_distance("rnu", "run"), 1);
  EXPECT_EQ(edit_distance("", "run"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

TEST(Closest, IsTheCandidateSpelledMostLikeTheWord) {
  const std::vector<std::string> names = {"run", "validate", "version", "npy", "host-timeout"};
  EXPECT_EQ(closest("rum", names), "run");
  EXPECT_EQ(closest("vaildate", names), "validate");
  EXPECT_EQ(closest("v", names), "validate");
  EXPECT_EQ(closest("vers", names), "version");
  EXPECT_EQ(closest("timeout", names), "host-timeout");
}

TEST(Closest, IsEmptyWhereNoneIsClose) {
  const std::vector<std::string> names = {"run", "npy", "images"};
  EXPECT_EQ(closest("jpg", names), "");
  EXPECT_EQ(closest("pkl", names), "");
  EXPECT_EQ(closest("", names), "");
  EXPECT_EQ(closest(std::string(10000, 'r'), names), "");
}

}  // namespace
}  // namespace ringtrain
