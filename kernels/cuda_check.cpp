// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_check.hpp"

#include <string>

namespace ringtrain::kernels {
namespace {

std::string message(cudaError_t code, const std::source_location& where) {
  return std::string("CUDA: ") + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) +
         ") in " + where.function_name() + ", " + where.file_name() + ":" +
         std::to_string(where.line());
}

}  // namespace

CudaError::CudaError(cudaError_t code, std::source_location where)
    : std::runtime_error(message(code, where)), code_(code) {}

void check_cuda(cudaError_t code, std::source_location where) {
  if (code != cudaSuccess) throw CudaError(code, where);
}

}  // namespace ringtrain::kernels
