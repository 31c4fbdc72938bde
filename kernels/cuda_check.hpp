// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <source_location>
#include <stdexcept>

namespace ringtrain::kernels {

// A call of the CUDA runtime that failed, or a launch: CUDA's own name and text, file and line.
class CudaError : public std::runtime_error {
 public:
  CudaError(cudaError_t code, std::source_location where);
  cudaError_t code() const { return code_; }

 private:
  cudaError_t code_;
};

// Throws CudaError unless code is cudaSuccess.
void check_cuda(cudaError_t code, std::source_location where = std::source_location::current());

// To be called after every launch: a bad configuration is reported here. An error inside a kernel
// shows at a later call.
inline void check_launch(std::source_location where = std::source_location::current()) {
  check_cuda(cudaGetLastError(), where);
}

}  // namespace ringtrain::kernels
