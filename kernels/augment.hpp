// SPDX-License-Identifier: Apache-2.0
// Random changes to training samples. What is drawn for a sample is a pure function of (seed,
// epoch, position of the sample in the epoch): the same for any number of ranks, and in every bit
// the same on the host and on a GPU.
//
// In this order, of the raw image, before it is normalised: crop (moved, or resized), horizontal
// flip, colours.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/mix.hpp"
#include "kernels/element.hpp"

namespace ringtrain::kernels {

struct Image {
  int channels = 1;
  int height = 0;
  int width = 0;
  size_t elements() const {
    return static_cast<size_t>(channels) * static_cast<size_t>(height) * static_cast<size_t>(width);
  }
};

// The default is no change. Requires: crop_padding is 0 where crop_scale is below 1; saturation and
// hue are for 3 channels; colours are bytes.
struct Augment {
  int crop_padding = 0;  // pixels on each side, before a crop to the sample's own size
  bool horizontal_flip = false;
  uint64_t seed = 0;
  uint64_t epoch = 0;
  float crop_scale = 1;   // smallest share of the area of a crop that is resized; 1: none
  float crop_aspect = 1;  // most that its width is over its height, or its height over its width
  float brightness = 0;   // factors are uniform in 1 - brightness .. 1 + brightness, and so on
  float contrast = 0;
  float saturation = 0;
  float hue = 0;  // of the whole circle, either way; at most 0.5

  RINGTRAIN_HOST_DEVICE bool moves() const { return crop_padding > 0 || horizontal_flip; }
  RINGTRAIN_HOST_DEVICE bool resizes() const { return crop_scale < 1; }
  RINGTRAIN_HOST_DEVICE bool recolours() const {
    return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0;
  }
};

// The augmentation of one sample: out(y, x) = image(y + down, width - 1 - x + right if flipped,
// else x + right).
struct Placement {
  int down = 0;
  int right = 0;
  bool flipped = false;
};

RINGTRAIN_HOST_DEVICE Placement placement(const Augment& augment, uint64_t position) {
  const uint64_t random = mix(augment.seed, augment.epoch, position);
  // 31 bits times the number of choices, upper part: within 2^-31 of uniform.
  const uint64_t choices = 2 * static_cast<uint64_t>(augment.crop_padding) + 1;
  Placement result;
  result.down = static_cast<int>(((random & 0x7fffffffU) * choices) >> 31) - augment.crop_padding;
  result.right =
      static_cast<int>((((random >> 31) & 0x7fffffffU) * choices) >> 31) - augment.crop_padding;
  result.flipped = augment.horizontal_flip && (random >> 63) != 0;
  return result;
}

// The k-th number that is drawn for a sample besides its placement.
class Draws {
 public:
  RINGTRAIN_HOST_DEVICE Draws(const Augment& augment, uint64_t position)
      : random_(mix(augment.seed, augment.epoch, position)) {}

  // Uniform in 0 .. 1, without 1; 24 bits.
  RINGTRAIN_HOST_DEVICE float share(uint64_t k) const {
    return static_cast<float>(mix(random_, k) >> 40) * 0x1p-24F;
  }
  // Uniform in 0 .. choices - 1.
  RINGTRAIN_HOST_DEVICE int choice(uint64_t k, int choices) const {
    return static_cast<int>(((mix(random_, k) >> 33) * static_cast<uint64_t>(choices)) >> 31);
  }
  // Uniform in 1 - most .. 1 + most.
  RINGTRAIN_HOST_DEVICE float factor(uint64_t k, float most) const {
    return 1 + most * (2 * share(k) - 1);
  }

 private:
  uint64_t random_;
};

// A crop that is resized to the image's size, in pixels of the image.
struct Crop {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

RINGTRAIN_HOST_DEVICE int pixels_of(float length, int most) {
  const int rounded = static_cast<int>(floorf(length + 0.5F));
  if (rounded < 1) return 1;
  return rounded < most ? rounded : most;
}

// As torchvision's RandomResizedCrop (Szegedy et al. 2015, section 6), except that an aspect is 1
// to crop_aspect, uniformly, and one side is the longer one as often as the other; and that a side
// which would not fit is cut to the image instead of drawn again.
RINGTRAIN_HOST_DEVICE Crop random_crop(const Augment& augment, const Image& image,
                                       uint64_t position) {
  if (!augment.resizes()) return {0, 0, image.height, image.width};
  const Draws draws(augment, position);
  const float share = augment.crop_scale + (1 - augment.crop_scale) * draws.share(1);
  const float aspect = 1 + (augment.crop_aspect - 1) * draws.share(2);
  const float area = share * static_cast<float>(image.height) * static_cast<float>(image.width);
  const float longer = sqrtf(area * aspect);
  const float shorter = sqrtf(area / aspect);
  const bool wide = draws.choice(3, 2) != 0;
  Crop crop;
  crop.height = pixels_of(wide ? shorter : longer, image.height);
  crop.width = pixels_of(wide ? longer : shorter, image.width);
  crop.top = draws.choice(4, image.height - crop.height + 1);
  crop.left = draws.choice(5, image.width - crop.width + 1);
  return crop;
}

// The two neighbours of a point on one axis, and the weight of the second. A neighbour of -1 lies
// outside of the image.
struct Tap {
  int low = 0;
  int high = 0;
  float weight = 0;
};

// Position `at` of `size`, in a crop of `length` pixels that begins at `first`: centres of pixels
// map to each other, and the crop's outermost pixels continue beyond it (OpenCV's INTER_LINEAR,
// torchvision's bilinear resize).
RINGTRAIN_HOST_DEVICE Tap tap(int at, int size, int first, int length) {
  const float centre =
      (static_cast<float>(at) + 0.5F) * static_cast<float>(length) / static_cast<float>(size) -
      0.5F;
  const float inside = centre > 0 ? centre : 0;
  const int low = static_cast<int>(inside);
  const int last = length - 1;
  Tap result;
  result.low = first + (low < last ? low : last);
  result.high = first + (low + 1 < last ? low + 1 : last);
  result.weight = inside - static_cast<float>(low);
  return result;
}

// The pixels of the image that those of one augmented sample come from.
class Pose {
 public:
  RINGTRAIN_HOST_DEVICE Pose(const Augment& augment, const Image& image, uint64_t position)
      : image_(image),
        resizes_(augment.resizes()),
        place_(placement(augment, position)),
        crop_(random_crop(augment, image, position)) {}

  RINGTRAIN_HOST_DEVICE Tap row(int y) const {
    return resizes_ ? tap(y, image_.height, crop_.top, crop_.height)
                    : moved(y + place_.down, image_.height);
  }
  RINGTRAIN_HOST_DEVICE Tap column(int x) const {
    const int turned = place_.flipped ? image_.width - 1 - x : x;
    return resizes_ ? tap(turned, image_.width, crop_.left, crop_.width)
                    : moved(turned + place_.right, image_.width);
  }

 private:
  RINGTRAIN_HOST_DEVICE static Tap moved(int at, int size) {
    const int seen = at >= 0 && at < size ? at : -1;
    return {seen, seen, 0};
  }

  Image image_;
  bool resizes_;
  Placement place_;
  Crop crop_;
};

// The value between four pixels of a plane; 0 outside of it.
template <class Raw>
RINGTRAIN_HOST_DEVICE float between(const Raw* plane, const Image& image, const Tap& y,
                                    const Tap& x) {
  if (y.low < 0 || x.low < 0) return 0;
  const auto mixed = [](float a, float b, float weight) { return a + weight * (b - a); };
  const Raw* upper = plane + static_cast<ptrdiff_t>(y.low) * image.width;
  const Raw* lower = plane + static_cast<ptrdiff_t>(y.high) * image.width;
  const float top =
      mixed(static_cast<float>(upper[x.low]), static_cast<float>(upper[x.high]), x.weight);
  const float bottom =
      mixed(static_cast<float>(lower[x.low]), static_cast<float>(lower[x.high]), x.weight);
  return mixed(top, bottom, y.weight);
}

// Changes of colours of one sample of bytes: brightness, contrast, saturation and hue, as one
// affine map (NVIDIA DALI's ColorTwist): contrast is about middle grey, hue is a rotation in the
// plane of I and Q of YIQ.
struct Recolour {
  float scale = 1;  // brightness x contrast
  float shift = 0;  // contrast
  float matrix[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  RINGTRAIN_HOST_DEVICE static float in_range(float x) {
    const float above = x > 0 ? x : 0;
    return above < 255 ? above : 255;
  }
  RINGTRAIN_HOST_DEVICE float operator()(float x) const { return in_range(x * scale + shift); }
  // Channel c of a pixel of red, green and blue.
  RINGTRAIN_HOST_DEVICE float operator()(int c, float red, float green, float blue) const {
    const float* row = matrix + 3 * c;
    const float turned = row[0] * red + row[1] * green + row[2] * blue;
    return in_range(turned * scale + shift);
  }
};

RINGTRAIN_HOST_DEVICE Recolour recolour(const Augment& augment, uint64_t position) {
  const Draws draws(augment, position);
  const float contrast = draws.factor(7, augment.contrast);
  const float saturation = draws.factor(8, augment.saturation);
  Recolour result;
  result.scale = draws.factor(6, augment.brightness) * contrast;
  result.shift = (1 - contrast) * 127.5F;
  // Half the angle is at most pi / 2, where these terms of Taylor's series are as good as a float.
  const float half = 3.14159265F * augment.hue * (2 * draws.share(9) - 1);
  const float square = half * half;
  const float sine =
      half *
      (1 -
       square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))));
  const float cosine =
      1 -
      square / 2 *
          (1 - square / 12 *
                   (1 - square / 30 * (1 - square / 56 * (1 - square / 90 * (1 - square / 132)))));
  const float along = saturation * (1 - 2 * sine * sine);
  const float across = saturation * 2 * sine * cosine;
  // Y of YIQ for each of red, green and blue; and how a turn by 90 degrees maps them, which is
  // the inverse of YIQ's matrix x the turn x the matrix, to 5 digits.
  constexpr float kGrey[3] = {0.299F, 0.587F, 0.114F};
  constexpr float kTurned[9] = {0.16774F,  0.32931F,  -0.49705F,  //
                                -0.32811F, 0.03547F,  0.29264F,   //
                                1.24955F,  -1.04634F, -0.20321F};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      const float same = row == column ? 1.0F : 0.0F;
      result.matrix[3 * row + column] =
          kGrey[column] + along * (same - kGrey[column]) + across * kTurned[3 * row + column];
    }
  }
  return result;
}

}  // namespace ringtrain::kernels
