// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/host_variants.hpp"

namespace ringtrain::datasets {
namespace {

// Red, green, blue and the float after them. Sums stay below 2^24: as exact as integers.
using Pixel = float __attribute__((vector_size(16)));

constexpr int kBits = 14;
constexpr int32_t kHalf = 1 << (kBits - 1);

// Weights are not negative and sum to one: there is nothing to clamp.
uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(sum >> kBits); }

// Computes the weighted sum of `taps` rows, `stride` bytes apart, for the columns begin to end. The
// results are whole numbers.
RINGTRAIN_HOST_VARIANTS
void blend_rows(const uint8_t* rows, size_t stride, const int16_t* weights, int64_t taps,
                size_t begin, size_t end, float* out) {
  constexpr size_t kColumns = 64;  // sums of so many stay in registers
  for (size_t first = begin; first < end; first += kColumns) {
    const size_t columns = std::min(kColumns, end - first);
    int32_t sums[kColumns];
    std::fill(sums, sums + kColumns, kHalf);
    for (int64_t k = 0; k < taps; ++k) {
      const int16_t weight = weights[k];
      const uint8_t* row = rows + static_cast<size_t>(k) * stride + first;
      // 16 bits times 16 bits: every CPU has a vector instruction for it.
      if (columns == kColumns) {
        for (size_t i = 0; i < kColumns; ++i) sums[i] += weight * static_cast<int16_t>(row[i]);
      } else {
        for (size_t i = 0; i < columns; ++i) sums[i] += weight * static_cast<int16_t>(row[i]);
      }
    }
    for (size_t i = 0; i < columns; ++i) out[first + i] = static_cast<float>(sums[i] >> kBits);
  }
}

// Computes a row of `width` pixels of three interleaved channels; channel c goes to out + c *
// plane. Reads one float behind the row, too.
RINGTRAIN_HOST_VARIANTS
void blend_pixels(const float* row, const int32_t* first, const float* weights, int64_t taps,
                  int64_t width, size_t plane, uint8_t* out) {
  for (int64_t x = 0; x < width; ++x) {
    const float* from = row + 3 * static_cast<int64_t>(first[x]);
    Pixel sum = {kHalf, kHalf, kHalf, 0};
    for (int64_t k = 0; k < taps; ++k) {
      Pixel pixel;
      std::memcpy(&pixel, from + 3 * k, sizeof pixel);
      sum += weights[x * taps + k] * pixel;
    }
    for (size_t c = 0; c < 3; ++c) {
      out[c * plane + static_cast<size_t>(x)] = to_byte(static_cast<int32_t>(sum[c]));
    }
  }
}

void blend_grey(const float* row, const int32_t* first, const float* weights, int64_t taps,
                int64_t width, uint8_t* out) {
  for (int64_t x = 0; x < width; ++x) {
    float sum = kHalf;
    for (int64_t k = 0; k < taps; ++k) sum += weights[x * taps + k] * row[first[x] + k];
    out[x] = to_byte(static_cast<int32_t>(sum));
  }
}

}  // namespace

Window window_of(const DecodedImage& image, int64_t width, int64_t height, Fit fit) {
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
  filter.taps = std::min<int64_t>(in, static_cast<int64_t>(std::ceil(2 * reach)));
  filter.first.resize(static_cast<size_t>(out));
  filter.weights.assign(static_cast<size_t>(out * filter.taps), 0);
  std::vector<double> weights(static_cast<size_t>(filter.taps));
  for (int64_t i = 0; i < out; ++i) {
    const double centre = begin + (static_cast<double>(i) + 0.5) * step;
    // The first pixel whose middle lies within reach.
    const auto first = std::clamp<int64_t>(static_cast<int64_t>(std::floor(centre - reach + 0.5)),
                                           0, in - filter.taps);
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

void Resizer::resize(const DecodedImage& image, const Window& window, int64_t width, int64_t height,
                     uint8_t* out) {
  make_filter(horizontal_, window.left, window.width, image.width, width);
  make_filter(vertical_, window.top, window.height, image.height, height);
  const int64_t channels = image.channels;

  // Vertically first: whole rows side by side make full vectors.
  const auto in_stride = static_cast<size_t>(image.width * channels);
  row_.assign(in_stride + 1, 0);
  // Columns that the horizontal pass reads.
  const auto begin = static_cast<size_t>(horizontal_.first.front() * channels);
  const auto end = static_cast<size_t>((horizontal_.first.back() + horizontal_.taps) * channels);
  const std::vector<float> weights(horizontal_.weights.begin(), horizontal_.weights.end());
  for (int64_t y = 0; y < height; ++y) {
    const auto top = static_cast<size_t>(vertical_.first[static_cast<size_t>(y)]);
    blend_rows(image.pixels.data() + top * in_stride, in_stride,
               vertical_.weights.data() + y * vertical_.taps, vertical_.taps, begin, end,
               row_.data());
    uint8_t* to = out + y * width;
    if (channels == 3) {
      blend_pixels(row_.data(), horizontal_.first.data(), weights.data(), horizontal_.taps, width,
                   static_cast<size_t>(width * height), to);
    } else {
      blend_grey(row_.data(), horizontal_.first.data(), weights.data(), horizontal_.taps, width,
                 to);
    }
  }
}

}  // namespace ringtrain::datasets
