// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise.hpp"

#include <stdexcept>

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

template <class Raw>
inline RINGTRAIN_INLINE void plane(const Raw* __restrict in, float* __restrict out, int height,
                                   int width, const Placement& place,
                                   const NormaliseElement& element) {
  if (place.down == 0 && place.right == 0 && !place.flipped) {
    const size_t pixels = static_cast<size_t>(height) * static_cast<size_t>(width);
    for (size_t i = 0; i < pixels; ++i) out[i] = element(in[i]);
    return;
  }
  const float padding = element(Raw{0});
  // Columns of the image, as placed: source columns [first, last) appear, the rest is padding.
  const int first = std::clamp(place.right, 0, width);
  const int last = std::clamp(width + place.right, 0, width);
  for (int y = 0; y < height; ++y, out += width) {
    const int source_y = y + place.down;
    if (source_y < 0 || source_y >= height || first >= last) {
      std::fill(out, out + width, padding);
      continue;
    }
    const Raw* row = in + static_cast<ptrdiff_t>(source_y) * width;
    const int columns = last - first;
    // Where the first of them goes, before flipping: source column x goes to x - right.
    const int start = first - place.right;
    if (place.flipped) {
      std::fill(out, out + (width - start - columns), padding);
      float* end = out + (width - 1 - start);
      for (int x = 0; x < columns; ++x) end[-x] = element(row[first + x]);
      std::fill(out + (width - start), out + width, padding);
    } else {
      std::fill(out, out + start, padding);
      for (int x = 0; x < columns; ++x) out[start + x] = element(row[first + x]);
      std::fill(out + start + columns, out + width, padding);
    }
  }
}

template <class Raw>
inline RINGTRAIN_INLINE void batch(const Raw* samples, float* out, size_t rows, const Image& image,
                                   const float* mean, const float* std, const Augment& augment,
                                   uint64_t first_position) {
  const size_t pixels = static_cast<size_t>(image.height) * static_cast<size_t>(image.width);
  for (size_t row = 0; row < rows; ++row) {
    const Placement place = placement(augment, first_position + row);
    for (int channel = 0; channel < image.channels; ++channel) {
      plane(samples, out, image.height, image.width, place,
            NormaliseElement{mean[channel], std[channel]});
      samples += pixels;
      out += pixels;
    }
  }
}

RINGTRAIN_HOST_VARIANTS
void batch_u8(const uint8_t* samples, float* out, size_t rows, const Image& image,
              const float* mean, const float* std, const Augment& augment,
              uint64_t first_position) {
  batch(samples, out, rows, image, mean, std, augment, first_position);
}

RINGTRAIN_HOST_VARIANTS
void batch_fp32(const float* samples, float* out, size_t rows, const Image& image,
                const float* mean, const float* std, const Augment& augment,
                uint64_t first_position) {
  batch(samples, out, rows, image, mean, std, augment, first_position);
}

void check_shapes(const Image& image, std::span<const float> mean, std::span<const float> std,
                  const Augment& augment) {
  if (image.channels < 1 || image.height < 0 || image.width < 0 || augment.crop_padding < 0 ||
      mean.size() != static_cast<size_t>(image.channels) || std.size() != mean.size()) {
    throw std::invalid_argument(
        "kernels::input_batch: mean and std need one value per channel, sizes must not be "
        "negative");
  }
}

}  // namespace

void input_batch(const uint8_t* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std, const Augment& augment,
                 uint64_t first_position) {
  check_shapes(image, mean, std, augment);
  batch_u8(samples, out, rows, image, mean.data(), std.data(), augment, first_position);
}

void input_batch(const float* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std, const Augment& augment,
                 uint64_t first_position) {
  check_shapes(image, mean, std, augment);
  batch_fp32(samples, out, rows, image, mean.data(), std.data(), augment, first_position);
}

}  // namespace ringtrain::kernels
