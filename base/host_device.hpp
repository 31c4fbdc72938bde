// SPDX-License-Identifier: Apache-2.0
#pragma once

// Marks a function that host code and CUDA kernels both call. Inlined even into functions that are
// compiled for another instruction set (kernels/host_variants.hpp).
#ifdef __CUDACC__
#define RINGTRAIN_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define RINGTRAIN_HOST_DEVICE inline __attribute__((always_inline))
#endif
