// SPDX-License-Identifier: Apache-2.0
// The choice of a device in a build without CUDA; make_device_cuda.cpp has the other.
#include "runtime/device/device.hpp"

#include "base/error.hpp"
#include "runtime/device/device_cpu.hpp"

namespace ringtrain {

std::unique_ptr<Device> make_device(JobSpec::Device wanted, int /*local_rank*/,
                                    const std::function<void(const std::string&)>& /*log*/) {
  if (wanted == JobSpec::Device::cuda) {
    throw job_error(
        "device: cuda, but this ringtrain was built without CUDA: use a build of the preset "
        "cuda, or device: auto");
  }
  return std::make_unique<CpuDevice>();
}

}  // namespace ringtrain
