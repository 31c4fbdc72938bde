// SPDX-License-Identifier: Apache-2.0
// The device drivers of sgd.hpp, adamw.hpp and lars.hpp, over the slab. Arrays of n elements are
// device memory, at any alignment; work is ordered on the stream. Errors as check_cuda().
//
// skip: memory of the device; nothing is updated where it is not 0 when the work's turn comes, so
// that the host need not know that before it starts the work. Null: always updated.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/adamw.hpp"
#include "kernels/lars.hpp"
#include "kernels/sgd.hpp"

namespace ringtrain::kernels::cuda {

// momentum may be null where step.momentum is 0.
void sgd_step(const SgdStep& step, float* parameters, const float* gradients, float* momentum,
              size_t n, cudaStream_t stream, const int* skip = nullptr);

void adamw_step(const AdamwStep& step, float* parameters, const float* gradients, float* m,
                float* v, size_t n, cudaStream_t stream, const int* skip = nullptr);

void lars_step(const LarsStep& step, float* parameters, const float* gradients, float* momentum,
               size_t n, cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
