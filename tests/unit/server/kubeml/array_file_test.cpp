// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/array_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/problem.hpp"
#include "tests/unit/server/kubeml/array_text.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& file) {
  try {
    rows_of_array(file, "x-train");
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 400);
    return problem.more().value("error", "");
  }
  return "";
}

TEST(ArrayFile, HasRows) {
  EXPECT_EQ(rows_of_array(array_text("'|u1'", "(3, 2, 2)", 12), "x"), 3U);
  EXPECT_EQ(rows_of_array(array_text("'<i8'", "(5,)", 40), "y"), 5U);
  EXPECT_EQ(rows_of_array(array_text("'|b1'", "(2, 1)", 2), "y"), 2U);
}

TEST(ArrayFile, RefusesProgramsAndWhatIsCut) {
  EXPECT_THAT(refusal(std::string("\x80\x04\x95", 3)), HasSubstr("x-train: is a pickle"));
  EXPECT_THAT(refusal("PK.."), HasSubstr("is no .npy file"));
  EXPECT_THAT(refusal(array_text("'|O'", "(3,)", 24)), HasSubstr("plain numbers"));
  EXPECT_THAT(refusal(array_text("[('a', '<i4')]", "(3,)", 24)), HasSubstr("plain numbers"));
  EXPECT_THAT(refusal(array_text("'<f4'", "(3, 2)", 23)), HasSubstr("is cut"));
  EXPECT_THAT(refusal(array_text("'<f4'", "()", 4)), HasSubstr("has no rows"));
  EXPECT_THAT(refusal(array_text("'<f4'", "(0, 4)", 0)), HasSubstr("has no rows"));
  EXPECT_THAT(refusal(array_text("'<f8'", "(4294967296, 4294967296)", 8)), HasSubstr("cannot be"));
  EXPECT_THAT(refusal(array_text("'<f8'", "(99999999999999999999,)", 8)), HasSubstr("header"));
  EXPECT_THAT(refusal(array_text("'<f8'", "(-1,)", 8)), HasSubstr("header"));
  EXPECT_THAT(refusal(array_text("'<f8'", "(1,)", 8).substr(0, 9)), HasSubstr("is cut"));
  EXPECT_THAT(refusal(array_text("'<f8'", "(1,)", 8).substr(0, 30)), HasSubstr("is cut"));
}

}  // namespace
}  // namespace ringtrain::server
