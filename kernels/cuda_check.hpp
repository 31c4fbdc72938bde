// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <source_location>

namespace ringtrain::kernels {

// Throws a lost error with CUDA's own name and text, file and line unless code is cudaSuccess.
// Clears the error, so that no later call reports it again.
void check_cuda(cudaError_t code, std::source_location where = std::source_location::current());

// Called after every launch: a bad configuration is reported here. An error inside a kernel shows
// in a later call.
inline void check_launch(std::source_location where = std::source_location::current()) {
  check_cuda(cudaGetLastError(), where);
}

}  // namespace ringtrain::kernels
