// SPDX-License-Identifier: Apache-2.0
#include "base/terminal/bar.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

TEST(Bar, IsFilledAsFarAsItsShare) {
  EXPECT_EQ(draw_bar(0, 8), "[>       ]");
  EXPECT_EQ(draw_bar(0.5, 8), "[====>   ]");
  EXPECT_EQ(draw_bar(1, 8), "[========]");
}

TEST(Bar, StaysInsideItsEdges) {
  EXPECT_EQ(draw_bar(-1, 4), "[>   ]");
  EXPECT_EQ(draw_bar(1.5, 4), "[====]");
  EXPECT_EQ(draw_bar(0.99, 4), "[===>]");
  EXPECT_EQ(draw_bar(0.5, 0), "[]");
}

}  // namespace
}  // namespace ringtrain
