// SPDX-License-Identifier: Apache-2.0
#include "kernels/element.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ringtrain::kernels {
namespace {

float widened(uint32_t bits) { return to_float(bf16{static_cast<uint16_t>(bits)}); }

TEST(Bf16, EveryPatternSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float value = widened(bits);
    const uint16_t back = to_bf16(value).bits;
    if (std::isnan(value)) {
      ASSERT_EQ(back, bits | 0x40U) << bits;  // quiet, sign and payload kept
    } else {
      ASSERT_EQ(back, bits) << bits;
    }
  }
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float value = widened(bits);
    if (!std::isfinite(value)) continue;
    // The next pattern is the next value away from zero (or infinity after the largest).
    const float tie = float_of((bits << 16) | 0x8000U);
    const float below = float_of((bits << 16) | 0x7fffU);
    const float above = float_of((bits << 16) | 0x8001U);
    ASSERT_EQ(to_bf16(below).bits, bits);
    ASSERT_EQ(to_bf16(above).bits, bits + 1);
    ASSERT_EQ(to_bf16(tie).bits, (bits & 1U) != 0 ? bits + 1 : bits);
  }
}

TEST(Bf16, NanWithOnlyLowBitsStaysNan) {
  EXPECT_TRUE(std::isnan(to_float(to_bf16(float_of(0x7f800001U)))));
  EXPECT_TRUE(std::isnan(to_float(to_bf16(float_of(0xffffffffU)))));
  EXPECT_TRUE(std::signbit(to_float(to_bf16(float_of(0xff800001U)))));
}

TEST(Bf16, OverflowsToInfinity) {
  EXPECT_TRUE(std::isinf(to_float(to_bf16(std::numeric_limits<float>::max()))));
}

TEST(Squared, IsExactAndNeverOverflows) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_TRUE(std::isfinite(squared(largest) * 1e200));
  const float smallest = std::numeric_limits<float>::denorm_min();
  EXPECT_GT(squared(smallest), 0);
  EXPECT_FALSE(std::isfinite(squared(std::numeric_limits<float>::infinity())));
  EXPECT_FALSE(std::isfinite(squared(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace ringtrain::kernels
