// SPDX-License-Identifier: Apache-2.0
#include "base/round_up.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

TEST(RoundUp, ReturnsTheNextMultiple) {
  EXPECT_EQ(round_up(0, 16), 0);
  EXPECT_EQ(round_up(1, 16), 16);
  EXPECT_EQ(round_up(16, 16), 16);
  EXPECT_EQ(round_up(17, 16), 32);
}

TEST(DivideUp, CountsAPieceThatIsNotFull) {
  EXPECT_EQ(divide_up(0, 4), 0);
  EXPECT_EQ(divide_up(4, 4), 1);
  EXPECT_EQ(divide_up(5, 4), 2);
}

}  // namespace
}  // namespace ringtrain
