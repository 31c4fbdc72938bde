// SPDX-License-Identifier: Apache-2.0
// The choice of a device in a build with CUDA.
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <stdlib.h>

#include "base/error.hpp"
#include "runtime/device/device.hpp"
#include "runtime/device/device_cpu.hpp"
#include "runtime/device/device_cuda.hpp"
#include "runtime/device/mig_slice.hpp"

namespace ringtrain {
namespace {

// CUDA reports a missing driver as an insufficient one.
std::string why_there_is_no_gpu(cudaError_t code) {
  int driver = 0;
  const bool known = cudaDriverGetVersion(&driver) == cudaSuccess;
  if (known && driver == 0) return "this node has no NVIDIA driver";
  if (code == cudaErrorInsufficientDriver) {
    return fmt::format("the NVIDIA driver goes up to CUDA {}.{}, and this build needs {}.{}",
                       driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                       CUDART_VERSION % 1000 / 10);
  }
  return code == cudaSuccess ? "no GPU is visible" : cudaGetErrorString(code);
}

}  // namespace

std::unique_ptr<Device> make_device(JobSpec::Device wanted, int local_rank,
                                    const std::function<void(const std::string&)>& log) {
  if (wanted == JobSpec::Device::cpu) return std::make_unique<CpuDevice>();
  // Before the first call of CUDA, which reads the variable then.
  if (const auto slice = mig_slice_of(local_rank, std::getenv("CUDA_VISIBLE_DEVICES"),
                                      std::getenv("NVIDIA_VISIBLE_DEVICES"))) {
    setenv("CUDA_VISIBLE_DEVICES", slice->c_str(), /*overwrite=*/1);
  }
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  cudaGetLastError();  // cleared: a later call must not report it
  if (code == cudaSuccess && count > 0) {
    try {
      return std::make_unique<CudaDevice>(local_rank % count);
    } catch (const Error& error) {
      throw job_error(fmt::format("device: GPU {} of this node cannot be used: {}",
                                  local_rank % count, error.what()));
    }
  }
  const std::string reason = why_there_is_no_gpu(code);
  if (wanted == JobSpec::Device::cuda) {
    throw job_error(
        fmt::format("device: cuda, but {}: check the driver with nvidia-smi and what "
                    "CUDA_VISIBLE_DEVICES says, or set device: auto or cpu",
                    reason));
  }
  if (log) log(fmt::format("device: auto takes the CPU: {}", reason));
  return std::make_unique<CpuDevice>();
}

}  // namespace ringtrain
