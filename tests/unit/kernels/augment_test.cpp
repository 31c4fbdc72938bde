// SPDX-License-Identifier: Apache-2.0
#include "kernels/augment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "kernels/normalise.hpp"

namespace ringtrain::kernels {
namespace {

constexpr Image kImage = {3, 24, 17};
const std::vector<float> kMean{0.4914F, 0.4822F, 0.4465F};
const std::vector<float> kDeviation{0.2470F, 0.2435F, 0.2616F};

Augment everything() {
  return {.horizontal_flip = true,
          .seed = 7,
          .epoch = 3,
          .crop_scale = 0.2F,
          .crop_aspect = 1.5F,
          .brightness = 0.4F,
          .contrast = 0.5F,
          .saturation = 0.6F,
          .hue = 0.25F};
}

std::vector<uint8_t> images(size_t rows) {
  std::vector<uint8_t> samples(rows * kImage.elements());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<uint8_t>(mix(i));
  return samples;
}

std::vector<float> augmented(const std::vector<uint8_t>& samples, const Augment& augment,
                             uint64_t first_position) {
  std::vector<float> out(samples.size());
  input_batch(samples.data(), out.data(), samples.size() / kImage.elements(), kImage, kMean,
              kDeviation, augment, first_position);
  return out;
}

using Pixel = std::array<double, 3>;

// One pixel of a sample between its four neighbours in the crop, as a resize of a cut image is
// written down in books.
Pixel resized(const uint8_t* sample, const Crop& crop, int y, int x) {
  const auto source = [](int at, int size, int length) {
    return std::clamp((at + 0.5) * length / size - 0.5, 0.0, length - 1.0);
  };
  const double from_y = source(y, kImage.height, crop.height);
  const double from_x = source(x, kImage.width, crop.width);
  Pixel out{};
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const int row = std::min(static_cast<int>(from_y) + dy, crop.height - 1);
      const int column = std::min(static_cast<int>(from_x) + dx, crop.width - 1);
      const double share_y = from_y - std::floor(from_y);
      const double share_x = from_x - std::floor(from_x);
      const double weight = (dy == 1 ? share_y : 1 - share_y) * (dx == 1 ? share_x : 1 - share_x);
      for (int c = 0; c < 3; ++c) {
        out[c] += weight *
                  sample[(c * kImage.height + crop.top + row) * kImage.width + crop.left + column];
      }
    }
  }
  return out;
}

// Brightness, contrast, saturation and hue, one after another, the last two in YIQ.
Pixel recoloured(const Pixel& rgb, const Augment& augment, uint64_t position) {
  const Draws draws(augment, position);
  const double brightness = draws.factor(6, augment.brightness);
  const double contrast = draws.factor(7, augment.contrast);
  const double saturation = draws.factor(8, augment.saturation);
  const double angle = 2 * std::numbers::pi * augment.hue * (2.0 * draws.share(9) - 1);
  Pixel v{};
  for (int c = 0; c < 3; ++c) v[c] = (rgb[c] * brightness - 127.5) * contrast + 127.5;
  // With 1 of contrast the grey of a pixel is left as it is by what follows.
  const double grey = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
  const double i = 0.595716 * v[0] - 0.274453 * v[1] - 0.321263 * v[2];
  const double q = 0.211456 * v[0] - 0.522591 * v[1] + 0.311135 * v[2];
  const double turned_i = saturation * (std::cos(angle) * i - std::sin(angle) * q);
  const double turned_q = saturation * (std::sin(angle) * i + std::cos(angle) * q);
  const Pixel out = {grey + 0.9563 * turned_i + 0.6210 * turned_q,
                     grey - 0.2721 * turned_i - 0.6474 * turned_q,
                     grey - 1.1070 * turned_i + 1.7046 * turned_q};
  return {std::clamp(out[0], 0.0, 255.0), std::clamp(out[1], 0.0, 255.0),
          std::clamp(out[2], 0.0, 255.0)};
}

TEST(Augment, EqualsCroppingResizingFlippingAndRecolouringInTurn) {
  constexpr size_t kRows = 9;
  const std::vector<uint8_t> samples = images(kRows);
  const Augment augment = everything();
  const std::vector<float> out = augmented(samples, augment, 1000);
  for (size_t row = 0; row < kRows; ++row) {
    const Crop crop = random_crop(augment, kImage, 1000 + row);
    const bool flipped = placement(augment, 1000 + row).flipped;
    for (int y = 0; y < kImage.height; ++y) {
      for (int x = 0; x < kImage.width; ++x) {
        const Pixel pixel = recoloured(resized(samples.data() + row * kImage.elements(), crop, y,
                                               flipped ? kImage.width - 1 - x : x),
                                       augment, 1000 + row);
        for (int c = 0; c < 3; ++c) {
          const double expected = (pixel[c] / 255 - kMean[c]) / kDeviation[c];
          ASSERT_NEAR(out[((row * 3 + c) * kImage.height + y) * kImage.width + x], expected, 2e-3)
              << row << ' ' << c << ' ' << y << ' ' << x;
        }
      }
    }
  }
}

TEST(Augment, IsTheSameForEveryNumberOfRanks) {
  constexpr size_t kRows = 24;
  const std::vector<uint8_t> samples = images(kRows);
  const std::vector<float> whole = augmented(samples, everything(), 640);
  for (const size_t ranks : {2, 3, 4}) {
    std::vector<float> parts;
    const size_t share = kRows / ranks * kImage.elements();
    for (size_t rank = 0; rank < ranks; ++rank) {
      const std::vector<float> part =
          augmented({samples.begin() + static_cast<ptrdiff_t>(rank * share),
                     samples.begin() + static_cast<ptrdiff_t>((rank + 1) * share)},
                    everything(), 640 + rank * kRows / ranks);
      parts.insert(parts.end(), part.begin(), part.end());
    }
    EXPECT_EQ(parts, whole) << ranks;
  }
}

TEST(Augment, ChangesWithSeedEpochAndPosition) {
  const std::vector<uint8_t> samples = images(1);
  const std::vector<float> out = augmented(samples, everything(), 5);
  Augment other = everything();
  EXPECT_EQ(augmented(samples, other, 5), out);
  EXPECT_NE(augmented(samples, other, 6), out);
  other.epoch = 4;
  EXPECT_NE(augmented(samples, other, 5), out);
  other = everything();
  other.seed = 8;
  EXPECT_NE(augmented(samples, other, 5), out);
}

TEST(Augment, PadsBeforeColoursChange) {
  const std::vector<uint8_t> samples(kImage.elements(), 200);
  const Augment augment = {.crop_padding = 10, .seed = 2, .contrast = 0.5F};
  const std::vector<float> out = augmented(samples, augment, 0);
  const Recolour colour = recolour(augment, 0);
  const Placement place = placement(augment, 0);
  const NormaliseElement normalise = normalise_element(kMean[0], kDeviation[0], 255);
  for (int y = 0; y < kImage.height; ++y) {
    for (int x = 0; x < kImage.width; ++x) {
      const bool inside = y + place.down >= 0 && y + place.down < kImage.height &&
                          x + place.right >= 0 && x + place.right < kImage.width;
      const float grey = inside ? 200.0F : 0.0F;
      ASSERT_EQ(out[y * kImage.width + x], normalise(colour(0, grey, grey, grey))) << y << ' ' << x;
    }
  }
}

TEST(RandomCrop, HasItsShareAndAspectAndLiesInTheImage) {
  const Augment augment = {.seed = 1, .crop_scale = 0.25F, .crop_aspect = 2};
  const Image image = {3, 400, 400};
  int wide = 0;
  double smallest = 1;
  double largest = 0;
  for (uint64_t position = 0; position < 4000; ++position) {
    const Crop crop = random_crop(augment, image, position);
    ASSERT_GE(crop.top, 0);
    ASSERT_GE(crop.left, 0);
    ASSERT_LE(crop.top + crop.height, image.height);
    ASSERT_LE(crop.left + crop.width, image.width);
    const double share = crop.height * crop.width / 160000.0;
    ASSERT_GE(static_cast<double>(crop.width) / crop.height, 0.49);
    ASSERT_LE(static_cast<double>(crop.width) / crop.height, 2.02);
    smallest = std::min(smallest, share);
    largest = std::max(largest, share);
    wide += crop.width > crop.height ? 1 : 0;
  }
  EXPECT_NEAR(smallest, 0.25, 0.01);
  EXPECT_GT(largest, 0.98);
  EXPECT_NEAR(wide, 2000, 200);
}

TEST(RandomCrop, IsTheWholeImageWithoutAScale) {
  const Crop crop = random_crop({.seed = 1}, kImage, 3);
  EXPECT_EQ(crop.height, kImage.height);
  EXPECT_EQ(crop.width, kImage.width);
  const Crop one = random_crop({.seed = 1, .crop_scale = 0.01F, .crop_aspect = 16}, {3, 1, 1}, 3);
  EXPECT_EQ(one.height, 1);
  EXPECT_EQ(one.width, 1);
}

TEST(Recolour, LeavesGreyAsItIs) {
  const Augment augment = {.seed = 3, .saturation = 1, .hue = 0.5F};
  for (uint64_t position = 0; position < 200; ++position) {
    const Recolour colour = recolour(augment, position);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(colour(c, 90, 90, 90), 90, 0.01);
  }
  const Recolour none = recolour({.seed = 3}, 5);
  EXPECT_NEAR(none(0, 10, 20, 30), 10, 1e-4);
  EXPECT_NEAR(none(1, 10, 20, 30), 20, 1e-4);
  EXPECT_NEAR(none(2, 10, 20, 30), 30, 1e-4);
}

TEST(Augment, RefusesTwoCropsAndColoursOfOneChannel) {
  const std::vector<uint8_t> samples(kImage.elements());
  EXPECT_THROW(augmented(samples, {.crop_padding = 1, .crop_scale = 0.5F}, 0),
               std::invalid_argument);
  std::vector<float> out(4);
  EXPECT_THROW(input_batch(samples.data(), out.data(), 1, Image{1, 2, 2}, std::vector{0.5F},
                           std::vector{0.5F}, Augment{.hue = 0.1F}),
               std::invalid_argument);
}

}  // namespace
}  // namespace ringtrain::kernels
