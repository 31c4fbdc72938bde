// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/drawing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace ringtrain::serving {
namespace {

using ::testing::Each;

struct Extent {
  int64_t left = 99, top = 99, right = -1, bottom = -1;
  double x = 0, y = 0;  // centre of mass, of pixels' middles
};

Extent extent_of(const std::vector<uint8_t>& pixels, int64_t width) {
  Extent found;
  double mass = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    if (pixels[i] == 0) continue;
    const auto x = static_cast<int64_t>(i) % width;
    const auto y = static_cast<int64_t>(i) / width;
    found.left = std::min(found.left, x);
    found.right = std::max(found.right, x);
    found.top = std::min(found.top, y);
    found.bottom = std::max(found.bottom, y);
    found.x += pixels[i] * (static_cast<double>(x) + 0.5);
    found.y += pixels[i] * (static_cast<double>(y) + 0.5);
    mass += pixels[i];
  }
  found.x /= mass;
  found.y /= mass;
  return found;
}

// A board of 280 x 280 with a filled rectangle.
datasets::DecodedImage board(int64_t left, int64_t top, int64_t right, int64_t bottom) {
  datasets::DecodedImage image{.width = 280, .height = 280, .channels = 1, .pixels = {}};
  image.pixels.resize(280 * 280);
  for (int64_t y = top; y < bottom; ++y) {
    for (int64_t x = left; x < right; ++x) image.pixels[static_cast<size_t>(y * 280 + x)] = 255;
  }
  return image;
}

TEST(DrawingTest, WhateverItsPlaceAndSizeItsLongerSideTakes20Of28Pixels) {
  for (const auto& drawn :
       {board(10, 10, 30, 50), board(100, 20, 200, 220), board(200, 250, 210, 270)}) {
    const Extent found = extent_of(centred(drawn, 28, 28), 28);
    EXPECT_EQ(found.bottom - found.top + 1, 20);
    EXPECT_EQ(found.right - found.left + 1, 10);
    EXPECT_NEAR(found.x, 14, 0.51);
    EXPECT_NEAR(found.y, 14, 0.51);
  }
}

TEST(DrawingTest, TheCentreOfMassIsInTheMiddleNotThatOfTheBox) {
  // An L: its mass is low and to the left.
  auto image = board(100, 100, 120, 200);
  const auto foot = board(100, 180, 160, 200);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] |= foot.pixels[i];
  const Extent found = extent_of(centred(image, 28, 28), 28);
  EXPECT_NEAR(found.x, 14, 0.51);
  EXPECT_NEAR(found.y, 14, 0.51);
  EXPECT_LT(found.top, 4);
}

TEST(DrawingTest, NothingDrawnIsBlackAndOtherSizesAreOfTheSameProportions) {
  EXPECT_THAT(centred(board(0, 0, 0, 0), 28, 28), Each(0));
  const Extent found = extent_of(centred(board(50, 50, 150, 150), 32, 32), 32);
  EXPECT_EQ(found.right - found.left + 1, 23);
}

}  // namespace
}  // namespace ringtrain::serving
