// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "datasets/importers/decode_image.hpp"

namespace ringtrain::datasets {

// A rectangle of an image, in pixels, that becomes the whole output.
struct Window {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

enum class Fit {
  crop,     // the largest window of the output's proportions, from the middle
  stretch,  // the whole image
};
Window window_of(const DecodedImage& image, int64_t width, int64_t height, Fit fit);

// Scales with a triangle filter as wide as the step between output pixels (what Pillow calls
// bilinear with antialias), and separates the channels: [height, width, channels] to [channels,
// height, width]. One object per thread.
class Resizer {
 public:
  void resize(const DecodedImage& image, const Window& window, int64_t width, int64_t height,
              uint8_t* out);

 private:
  // Output pixel i is the sum over k < taps of weights[i * taps + k] * in[first[i] + k], in units
  // of 2^-14.
  struct Filter {
    int64_t taps = 0;
    std::vector<int32_t> first;
    std::vector<int16_t> weights;
  };
  static void make_filter(Filter& filter, double begin, double extent, int64_t in, int64_t out);

  Filter horizontal_;
  Filter vertical_;
  std::vector<float> row_;
};

}  // namespace ringtrain::datasets
