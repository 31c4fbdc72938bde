// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "base/round_up.hpp"
#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

template <class Raw>
constexpr double range = 1;
template <>
constexpr double range<uint8_t> = 255;

constexpr size_t kRowsAhead = 4;
constexpr size_t kStep = 1024;  // elements between two requests for memory

// Crops and flips one raw plane; out has its size, and zeros where the image does not reach.
template <class Raw>
inline RINGTRAIN_INLINE void place_plane(const Raw* __restrict in, Raw* __restrict out,
                                         const Image& image, const Placement& place) {
  const ptrdiff_t width = image.width;
  // Rows and columns of the image that are seen.
  const ptrdiff_t top = std::clamp(place.down, 0, image.height);
  const ptrdiff_t bottom = std::clamp(image.height + place.down, 0, image.height);
  const ptrdiff_t left = std::clamp(place.right, 0, image.width);
  const ptrdiff_t columns = std::clamp(image.width + place.right, 0, image.width) - left;
  if (top != 0 || bottom != image.height || columns != width) {
    std::memset(out, 0, sizeof(Raw) * static_cast<size_t>(width * image.height));
  }
  if (columns <= 0) return;
  for (ptrdiff_t y = top; y < bottom; ++y) {
    const Raw* from = in + y * width + left;
    Raw* row = out + (y - place.down) * width;
    if (place.flipped) {
      Raw* last = row + (width - 1 - (left - place.right));
      for (ptrdiff_t x = 0; x < columns; ++x) last[-x] = from[x];
    } else {
      std::memcpy(row + (left - place.right), from, sizeof(Raw) * static_cast<size_t>(columns));
    }
  }
}

// Lines of a sample that is resized or whose colours change: a float a pixel, a line a channel.
struct Distorted {
  std::vector<float> line;
  std::vector<Tap> taps;  // of the columns
};

// Crops, flips, recolours and normalises one sample; room is kept between calls.
template <class Raw>
inline RINGTRAIN_INLINE void distort(const Raw* sample, float* __restrict out, const Image& image,
                                     const std::vector<NormaliseElement>& elements,
                                     const Augment& augment, uint64_t position, Distorted& room) {
  const auto width = static_cast<size_t>(image.width);
  const size_t pixels = static_cast<size_t>(image.height) * width;
  const Pose pose(augment, image, position);
  const Recolour colour = recolour(augment, position);
  const bool recolours = augment.recolours();
  const bool colours = recolours && image.channels == 3;
  room.line.resize(elements.size() * width);
  room.taps.resize(width);
  for (int x = 0; x < image.width; ++x) room.taps[static_cast<size_t>(x)] = pose.column(x);
  for (int y = 0; y < image.height; ++y) {
    const Tap row = pose.row(y);
    for (size_t c = 0; c < elements.size(); ++c) {
      const Raw* plane = sample + c * pixels;
      float* line = room.line.data() + c * width;
      for (size_t x = 0; x < width; ++x) line[x] = between(plane, image, row, room.taps[x]);
    }
    const float* line = room.line.data();
    for (size_t c = 0; c < elements.size(); ++c) {
      float* to = out + c * pixels + static_cast<size_t>(y) * width;
      const float* from = line + c * width;
      for (size_t x = 0; x < width; ++x) {
        const float value =
            colours     ? colour(static_cast<int>(c), line[x], line[width + x], line[2 * width + x])
            : recolours ? colour(from[x])
                        : from[x];
        to[x] = elements[c](value);
      }
    }
  }
}

// sample_at(r): where row r begins.
template <class Raw, class SampleAt>
inline RINGTRAIN_INLINE void batch(const SampleAt& sample_at, float* __restrict out, size_t rows,
                                   const Image& image, const float* mean, const float* std,
                                   const Augment& augment, uint64_t first_position) {
  const size_t pixels = static_cast<size_t>(image.height) * static_cast<size_t>(image.width);
  if (pixels == 0) return;
  // Placed before it is normalised, while it is small.
  std::vector<Raw> placed(pixels);
  std::vector<NormaliseElement> elements;
  elements.reserve(static_cast<size_t>(image.channels));
  for (int channel = 0; channel < image.channels; ++channel) {
    elements.push_back(normalise_element(mean[channel], std[channel], range<Raw>));
  }
  const bool moves = augment.moves();
  const bool distorts = augment.resizes() || augment.recolours();
  Distorted room;
  for (size_t row = 0; row < rows; ++row) {
    const Raw* sample = sample_at(row);
    if (distorts) {
      distort(sample, out, image, elements, augment, first_position + row, room);
      out += image.elements();
      continue;
    }
    if (pixels == 1 && !moves) {  // a row of a table, whose features are channels
      for (size_t i = 0; i < elements.size(); ++i) out[i] = elements[i](sample[i]);
      out += elements.size();
      continue;
    }
    // Rows may lie far apart, where no hardware looks ahead. To the L2 cache: more requests fit on
    // their way there. A few at a time, between the elements: all at once would fill that way.
    const Raw* next = sample_at(std::min(row + kRowsAhead, rows - 1));
    const Placement place = moves ? placement(augment, first_position + row) : Placement{};
    const bool in_place = place.down == 0 && place.right == 0 && !place.flipped;
    for (const NormaliseElement& element : elements) {
      const Raw* plane = sample;
      if (!in_place) {
        place_plane(sample, placed.data(), image, place);
        plane = placed.data();
      }
      for (size_t begin = 0; begin < pixels; begin += kStep) {
        const size_t end = std::min(pixels, begin + kStep);
        const auto* to = reinterpret_cast<const char*>(next + end);
        for (const auto* at = reinterpret_cast<const char*>(next + begin); at < to;
             at += kCacheLineBytes) {
          __builtin_prefetch(at, 0, 2);
        }
        for (size_t i = begin; i < end; ++i) out[i] = element(plane[i]);
      }
      sample += pixels;
      next += pixels;
      out += pixels;
    }
  }
}

RINGTRAIN_HOST_VARIANTS
void batch_u8(const uint8_t* const* samples, const uint8_t* first, float* out, size_t rows,
              const Image& image, const float* mean, const float* std, const Augment& augment,
              uint64_t first_position) {
  const size_t size = image.elements();
  const auto sample_at = [&](size_t row) RINGTRAIN_INLINE {
    // One of both is given. NOLINTNEXTLINE(clang-analyzer-core.NullPointerArithm)
    return samples != nullptr ? samples[row] : first + row * size;
  };
  batch<uint8_t>(sample_at, out, rows, image, mean, std, augment, first_position);
}

RINGTRAIN_HOST_VARIANTS
void batch_fp32(const float* const* samples, const float* first, float* out, size_t rows,
                const Image& image, const float* mean, const float* std, const Augment& augment,
                uint64_t first_position) {
  const size_t size = image.elements();
  const auto sample_at = [&](size_t row) RINGTRAIN_INLINE {
    // One of both is given. NOLINTNEXTLINE(clang-analyzer-core.NullPointerArithm)
    return samples != nullptr ? samples[row] : first + row * size;
  };
  batch<float>(sample_at, out, rows, image, mean, std, augment, first_position);
}

void check_shapes(const Image& image, std::span<const float> mean, std::span<const float> std,
                  const Augment& augment) {
  if ((augment.resizes() && augment.crop_padding > 0) ||
      ((augment.saturation > 0 || augment.hue > 0) && image.channels != 3)) {
    throw std::invalid_argument(
        "kernels::input_batch: one crop at a time, and colours need 3 channels");
  }
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
  batch_u8(nullptr, samples, out, rows, image, mean.data(), std.data(), augment, first_position);
}

void input_batch(const float* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std, const Augment& augment,
                 uint64_t first_position) {
  check_shapes(image, mean, std, augment);
  batch_fp32(nullptr, samples, out, rows, image, mean.data(), std.data(), augment, first_position);
}

void input_batch(const uint8_t* const* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std, const Augment& augment,
                 uint64_t first_position) {
  check_shapes(image, mean, std, augment);
  batch_u8(samples, nullptr, out, rows, image, mean.data(), std.data(), augment, first_position);
}

void input_batch(const float* const* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std, const Augment& augment,
                 uint64_t first_position) {
  check_shapes(image, mean, std, augment);
  batch_fp32(samples, nullptr, out, rows, image, mean.data(), std.data(), augment, first_position);
}

}  // namespace ringtrain::kernels
