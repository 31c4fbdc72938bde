// SPDX-License-Identifier: Apache-2.0
// The device drivers for sums of what ranks have sent as bf16. Pointers are device memory; calls
// return before the work is done, which is ordered on the stream. Errors as check_cuda().
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/element.hpp"

namespace ringtrain::kernels::cuda {

// out[i] = parts[0][i] + parts[1][i] + ... in fp32, in this order, and the same rounded once. Part
// r is at parts + r * stride, of n elements. rounded: null for none.
void sum_parts(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded,
               cudaStream_t stream);

// out[i] = values[i]
void widen(const bf16* values, size_t n, float* out, cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
