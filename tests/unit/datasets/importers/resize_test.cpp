// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/resize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/mix.hpp"

namespace ringtrain::datasets {
namespace {

DecodedImage noise(int64_t width, int64_t height, int64_t channels) {
  DecodedImage image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(mix(i));
  return image;
}

// The definition: the mean of the pixels in reach, weighted by a triangle. In double, one pass.
double reference(const DecodedImage& image, const Window& window, int64_t width, int64_t height,
                 int64_t x, int64_t y, int64_t channel) {
  const auto weight = [](double begin, double extent, int64_t out, int64_t at, int64_t in) {
    const double step = extent / static_cast<double>(out);
    const double centre = begin + (static_cast<double>(at) + 0.5) * step;
    return std::max(0.0,
                    1 - std::abs(static_cast<double>(in) + 0.5 - centre) / std::max(1.0, step));
  };
  double sum = 0;
  double total = 0;
  for (int64_t v = 0; v < image.height; ++v) {
    const double down = weight(window.top, window.height, height, y, v);
    if (down == 0) continue;
    for (int64_t u = 0; u < image.width; ++u) {
      const double w = down * weight(window.left, window.width, width, x, u);
      const auto at = static_cast<size_t>((v * image.width + u) * image.channels + channel);
      sum += w * image.pixels[at];
      total += w;
    }
  }
  return sum / total;
}

TEST(Resize, IsTheWeightedMeanOfThePixelsInReach) {
  Resizer resizer;  // used again, as an importer does
  for (const int64_t channels : {1, 3}) {
    for (const auto& [width, height] : {std::pair<int64_t, int64_t>{50, 37}, {23, 64}, {9, 5}}) {
      const DecodedImage image = noise(width, height, channels);
      for (const auto& [w, h] : {std::pair<int64_t, int64_t>{22, 22}, {70, 33}, {1, 1}}) {
        for (const Fit fit : {Fit::crop, Fit::stretch}) {
          const Window window = window_of(image, w, h, fit);
          std::vector<uint8_t> out(static_cast<size_t>(w * h * channels));
          resizer.resize(image, window, w, h, out.data());
          for (int64_t c = 0; c < channels; ++c) {
            for (int64_t y = 0; y < h; ++y) {
              for (int64_t x = 0; x < w; ++x) {
                // Rounded after each of the two passes.
                ASSERT_NEAR(out[static_cast<size_t>((c * h + y) * w + x)],
                            reference(image, window, w, h, x, y, c), 1.1)
                    << width << " x " << height << " to " << w << " x " << h << ", " << channels
                    << " channels, pixel " << x << ", " << y << ", " << c;
              }
            }
          }
        }
      }
    }
  }
}

TEST(Resize, LeavesAPlainAreaAndAnImageOfItsOwnSizeAsTheyAre) {
  Resizer resizer;
  DecodedImage image = noise(31, 17, 3);
  std::vector<uint8_t> out(image.pixels.size());
  resizer.resize(image, window_of(image, 31, 17, Fit::stretch), 31, 17, out.data());
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < 31 * 17; ++i) {
      ASSERT_EQ(out[c * 31 * 17 + i], image.pixels[3 * i + c]);
    }
  }
  for (const uint8_t value : {0, 1, 254, 255}) {
    std::fill(image.pixels.begin(), image.pixels.end(), value);
    std::vector<uint8_t> small(3 * 7 * 11);
    resizer.resize(image, window_of(image, 11, 7, Fit::crop), 11, 7, small.data());
    ASSERT_EQ(small, std::vector<uint8_t>(small.size(), value));
  }
}

}  // namespace
}  // namespace ringtrain::datasets
