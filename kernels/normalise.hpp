// SPDX-License-Identifier: Apache-2.0
// From stored samples to what a model eats, in one pass: augmentation (augment.hpp) and
// normalisation.
//
//   u8:  out = (x / 255 - mean[c]) / std[c]        f32:  out = (x - mean[c]) / std[c]
//
// Computed as (x - centre) * factor, both worked out in double and rounded once: divisions would
// take twice the time. The result is within 3 units of the last place of the larger of x * factor
// and centre * factor.
//
// Padding is of the raw image, as in torchvision's ToTensor, RandomCrop(padding),
// RandomHorizontalFlip, Normalize: a padded pixel is a raw 0, then normalised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/augment.hpp"
#include "kernels/element.hpp"

namespace ringtrain::kernels {

// The normalisation of one channel.
struct NormaliseElement {
  float centre;
  float factor;

  RINGTRAIN_HOST_DEVICE float operator()(float x) const { return (x - centre) * factor; }
  RINGTRAIN_HOST_DEVICE float operator()(uint8_t x) const {
    return (static_cast<float>(x) - centre) * factor;
  }
};

// range is the raw value that means 1: 255 for u8, 1 for f32.
inline NormaliseElement normalise_element(float mean, float std, double range) {
  return {static_cast<float>(range * mean), static_cast<float>(1 / (range * std))};
}

// Reads rows samples [rows, channels, height, width] and writes as many floats of the same shape,
// host memory, not overlapping. mean and std have one value per channel, in units of x / 255 for u8
// (std::invalid_argument otherwise). Row r is the sample at position first_position + r of
// augment.epoch.
void input_batch(const uint8_t* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std,
                 const Augment& augment = {}, uint64_t first_position = 0);
void input_batch(const float* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std,
                 const Augment& augment = {}, uint64_t first_position = 0);

// The same for samples that do not follow each other: samples[r] is where row r begins.
void input_batch(const uint8_t* const* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std,
                 const Augment& augment = {}, uint64_t first_position = 0);
void input_batch(const float* const* samples, float* out, size_t rows, const Image& image,
                 std::span<const float> mean, std::span<const float> std,
                 const Augment& augment = {}, uint64_t first_position = 0);

}  // namespace ringtrain::kernels
