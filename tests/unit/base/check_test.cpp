// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Check, PassesWhereTheConditionHolds) {
  int calls = 0;
  RINGTRAIN_CHECK(++calls == 1);
  EXPECT_EQ(calls, 1);
}

TEST(CheckDeathTest, EndsTheProcessWithFileLineAndCondition) {
  const int rank = 4;
  EXPECT_DEATH(RINGTRAIN_CHECK(rank < 3), "check_test.cpp:[0-9]+: invariant broken: rank < 3");
}

}  // namespace
