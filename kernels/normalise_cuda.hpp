// SPDX-License-Identifier: Apache-2.0
// The device driver of normalise.hpp: the same placement and the same bits. Pointers are device
// memory; work is ordered on the stream.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda_check.hpp"
#include "kernels/normalise.hpp"

namespace ringtrain::kernels::cuda {

// Augmentation and position, which change from batch to batch.
struct BatchPlace {
  Augment augment;
  uint64_t first_position = 0;
};

// channels has one element per channel: normalise_element(mean, std, 255 for u8, 1 for f32).
void input_batch(const uint8_t* samples, float* out, size_t rows, const Image& image,
                 const NormaliseElement* channels, const BatchPlace& place, cudaStream_t stream);
void input_batch(const float* samples, float* out, size_t rows, const Image& image,
                 const NormaliseElement* channels, const BatchPlace& place, cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
