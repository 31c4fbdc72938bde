// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/resize.hpp"

#include <algorithm>
#include <cmath>

namespace ringtrain::datasets {
namespace {

constexpr int kBits = 14;
constexpr int32_t kHalf = 1 << (kBits - 1);

// As four floats, which make one vector. Sums stay below 2^24, so they are as exact as integers.
struct alignas(16) Pixel {
  float channel[4];
};

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255)); }

}  // namespace

Window window_of(const Image& image, int64_t width, int64_t height, Fit fit) {
  Window window{0, 0, static_cast<double>(image.width), static_cast<double>(image.height)};
  if (fit == Fit::stretch) return window;
  const double scale = std::min(window.width / static_cast<double>(width),
                                window.height / static_cast<double>(height));
  const double crop_width = scale * static_cast<double>(width);
  const double crop_height = scale * static_cast<double>(height);
  return {(window.width - crop_width) / 2, (window.height - crop_height) / 2, crop_width,
          crop_height};
}

void Resizer::make_filter(Filter& filter, double begin, double extent, int64_t in, int64_t out) {
  const double step = extent / static_cast<double>(out);
  const double reach = std::max(1.0, step);  // half the width of the triangle
  filter.taps = std::min<int64_t>(in, static_cast<int64_t>(std::ceil(reach)) * 2 + 1);
  filter.first.resize(static_cast<size_t>(out));
  filter.weights.assign(static_cast<size_t>(out * filter.taps), 0);
  std::vector<double> weights(static_cast<size_t>(filter.taps));
  for (int64_t i = 0; i < out; ++i) {
    const double centre = begin + (static_cast<double>(i) + 0.5) * step;
    const auto first =
        std::clamp<int64_t>(static_cast<int64_t>(std::floor(centre - reach)), 0, in - filter.taps);
    double total = 0;
    for (int64_t k = 0; k < filter.taps; ++k) {
      const double distance = std::abs(static_cast<double>(first + k) + 0.5 - centre) / reach;
      weights[static_cast<size_t>(k)] = std::max(0.0, 1 - distance);
      total += weights[static_cast<size_t>(k)];
    }
    // Whole numbers that sum to one exactly, so that a plain area stays as it is.
    int32_t left = 1 << kBits;
    size_t largest = 0;
    int16_t* out_weights = filter.weights.data() + i * filter.taps;
    for (size_t k = 0; k < weights.size(); ++k) {
      out_weights[k] = static_cast<int16_t>(std::lround(weights[k] / total * (1 << kBits)));
      left -= out_weights[k];
      if (weights[k] > weights[largest]) largest = k;
    }
    out_weights[largest] = static_cast<int16_t>(out_weights[largest] + left);
    filter.first[static_cast<size_t>(i)] = static_cast<int32_t>(first);
  }
}

void Resizer::resize(const Image& image, const Window& window, int64_t width, int64_t height,
                     uint8_t* out) {
  make_filter(horizontal_, window.left, window.width, image.width, width);
  make_filter(vertical_, window.top, window.height, image.height, height);
  const int64_t channels = image.channels;

  // Vertically first: whole rows side by side are what a CPU's vectors like.
  const auto in_stride = static_cast<size_t>(image.width * channels);
  rows_.resize(static_cast<size_t>(height) * in_stride);
  std::vector<int32_t> sums(in_stride);
  // The columns that the horizontal pass looks at.
  const auto begin = static_cast<size_t>(horizontal_.first.front() * channels);
  const auto end = static_cast<size_t>((horizontal_.first.back() + horizontal_.taps) * channels);
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int64_t k = 0; k < vertical_.taps; ++k) {
      const int16_t weight = vertical_.weights[static_cast<size_t>(y * vertical_.taps + k)];
      if (weight == 0) continue;
      const uint8_t* row =
          image.pixels.data() +
          static_cast<size_t>(vertical_.first[static_cast<size_t>(y)] + k) * in_stride;
      // 16 bits times 16 bits: what every CPU has as a vector instruction.
      for (size_t x = begin; x < end; ++x) sums[x] += weight * static_cast<int16_t>(row[x]);
    }
    uint8_t* to = rows_.data() + static_cast<size_t>(y) * in_stride;
    for (size_t x = begin; x < end; ++x) to[x] = to_byte(sums[x]);
  }

  const auto plane = static_cast<size_t>(width * height);
  std::vector<Pixel> pixels(channels == 3 ? static_cast<size_t>(image.width) : 0);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* row = rows_.data() + static_cast<size_t>(y) * in_stride;
    if (channels == 3) {
      for (size_t i = begin; i < end; i += 3) {
        pixels[i / 3] = {{static_cast<float>(row[i]), static_cast<float>(row[i + 1]),
                          static_cast<float>(row[i + 2]), 0}};
      }
    }
    for (int64_t x = 0; x < width; ++x) {
      const int16_t* weights = horizontal_.weights.data() + x * horizontal_.taps;
      const uint8_t* from =
          row + static_cast<int64_t>(horizontal_.first[static_cast<size_t>(x)]) * channels;
      const auto to = static_cast<size_t>(y * width + x);
      if (channels == 3) {
        const Pixel* pixel = pixels.data() + horizontal_.first[static_cast<size_t>(x)];
        Pixel sum{{kHalf, kHalf, kHalf, 0}};
        for (int64_t k = 0; k < horizontal_.taps; ++k) {
          const auto weight = static_cast<float>(weights[k]);
          for (size_t c = 0; c < 4; ++c) sum.channel[c] += weight * pixel[k].channel[c];
        }
        for (size_t c = 0; c < 3; ++c) {
          out[c * plane + to] = to_byte(static_cast<int32_t>(sum.channel[c]));
        }
      } else {
        int32_t sum = kHalf;
        for (int64_t k = 0; k < horizontal_.taps; ++k) sum += weights[k] * from[k];
        out[to] = to_byte(sum);
      }
    }
  }
}

}  // namespace ringtrain::datasets
