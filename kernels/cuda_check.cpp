// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_check.hpp"

#include <string>

#include "base/error.hpp"

namespace ringtrain::kernels {

void check_cuda(cudaError_t code, std::source_location where) {
  if (code == cudaSuccess) return;
  cudaGetLastError();
  throw lost_error(std::string("CUDA: ") + cudaGetErrorString(code) + " (" +
                   cudaGetErrorName(code) + ") in " + where.function_name() + ", " +
                   where.file_name() + ":" + std::to_string(where.line()));
}

}  // namespace ringtrain::kernels
