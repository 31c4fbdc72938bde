// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/drawing.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "datasets/importers/resize.hpp"

namespace ringtrain::serving {
namespace {

using datasets::DecodedImage;

// Smooth edges of a stroke, and damage by JPEG, are darker.
constexpr uint8_t kInk = 32;
constexpr double kBox = 20.0 / 28.0;

struct Box {
  int64_t left = 0;
  int64_t top = 0;
  int64_t right = 0;  // one past
  int64_t bottom = 0;
};

std::optional<Box> ink_of(const DecodedImage& image) {
  Box box{.left = image.width, .top = image.height, .right = 0, .bottom = 0};
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      if (image.pixels[static_cast<size_t>(y * image.width + x)] < kInk) continue;
      box.left = std::min(box.left, x);
      box.right = std::max(box.right, x + 1);
      box.top = std::min(box.top, y);
      box.bottom = std::max(box.bottom, y + 1);
    }
  }
  if (box.right == 0) return std::nullopt;
  return box;
}

// A picture of one channel.
struct Grey {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> pixels = {};
};

// Returns what lies in the box, as large as fits into width x height with its proportions.
Grey scaled(const DecodedImage& image, const Box& box, double width, double height) {
  const auto in_width = static_cast<double>(box.right - box.left);
  const auto in_height = static_cast<double>(box.bottom - box.top);
  const double factor = std::min(width / in_width, height / in_height);
  const auto size = [&](double in) { return std::max<int64_t>(1, std::lround(in * factor)); };
  Grey grey{.width = size(in_width), .height = size(in_height)};
  grey.pixels.resize(static_cast<size_t>(grey.width * grey.height));
  datasets::Resizer().resize(image,
                             {.left = static_cast<double>(box.left),
                              .top = static_cast<double>(box.top),
                              .width = in_width,
                              .height = in_height},
                             grey.width, grey.height, grey.pixels.data());
  return grey;
}

}  // namespace

std::vector<uint8_t> centred(const DecodedImage& drawing, int64_t width, int64_t height) {
  std::vector<uint8_t> result(static_cast<size_t>(width * height));
  const auto box = ink_of(drawing);
  if (!box) return result;
  const Grey ink =
      scaled(drawing, *box, kBox * static_cast<double>(width), kBox * static_cast<double>(height));
  double mass = 0;
  double mean_x = 0;  // of pixels' middles
  double mean_y = 0;
  for (int64_t y = 0; y < ink.height; ++y) {
    for (int64_t x = 0; x < ink.width; ++x) {
      const double one = ink.pixels[static_cast<size_t>(y * ink.width + x)];
      mass += one;
      mean_x += one * (static_cast<double>(x) + 0.5);
      mean_y += one * (static_cast<double>(y) + 0.5);
    }
  }
  if (mass == 0) return result;
  const int64_t left = std::lround(static_cast<double>(width) / 2 - mean_x / mass);
  const int64_t top = std::lround(static_cast<double>(height) / 2 - mean_y / mass);
  for (int64_t y = std::max<int64_t>(0, -top); y < std::min(ink.height, height - top); ++y) {
    for (int64_t x = std::max<int64_t>(0, -left); x < std::min(ink.width, width - left); ++x) {
      result[static_cast<size_t>((y + top) * width + x + left)] =
          ink.pixels[static_cast<size_t>(y * ink.width + x)];
    }
  }
  return result;
}

}  // namespace ringtrain::serving
