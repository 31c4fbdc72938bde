// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor_gpu.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <string>

#include "base/text.hpp"

namespace ringtrain::launcher {
namespace {

using Status = Finding::Status;

// A shared library, open as long as the object lives.
class Library {
 public:
  explicit Library(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}
  ~Library() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  bool is_open() const { return handle_ != nullptr; }
  template <typename Function>
  Function* function(const char* name) const {
    return handle_ == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

 private:
  void* handle_;
};

}  // namespace

Finding examine_gpu() {
  const Library cuda("libcuda.so.1");
  Finding finding{"GPU", Status::missing, "", ""};
  if (!cuda.is_open()) {
    finding.found = "no NVIDIA driver";
    finding.advice = "CPU ranks need none";
    return finding;
  }
  auto* const init = cuda.function<int(unsigned)>("cuInit");
  auto* const driver_version = cuda.function<int(int*)>("cuDriverGetVersion");
  auto* const count_of = cuda.function<int(int*)>("cuDeviceGetCount");
  auto* const device_of = cuda.function<int(int*, int)>("cuDeviceGet");
  auto* const name_of = cuda.function<int(char*, int, int)>("cuDeviceGetName");
  auto* const memory_of = cuda.function<int(size_t*, int)>("cuDeviceTotalMem_v2");
  int version = 0, count = 0;
  if (init == nullptr || driver_version == nullptr || count_of == nullptr || device_of == nullptr ||
      name_of == nullptr || memory_of == nullptr || driver_version(&version) != 0) {
    finding.found = "libcuda.so.1 lacks functions of a driver";
    finding.advice = "install the NVIDIA driver again";
    return finding;
  }
  const std::string driver =
      fmt::format("driver for CUDA {}.{}", version / 1000, version % 1000 / 10);
  if (const int error = init(0); error != 0 || count_of(&count) != 0 || count == 0) {
    finding.found = fmt::format("{}, but no GPU that can be used (cuInit: {})", driver, error);
    finding.advice = "run nvidia-smi; a container needs access to the GPU: docker run --gpus all";
    return finding;
  }
  std::string names;
  for (int i = 0; i < count; ++i) {
    int device = 0;
    std::array<char, 256> name{};
    size_t bytes = 0;
    if (device_of(&device, i) != 0 || name_of(name.data(), 255, device) != 0) continue;
    memory_of(&bytes, device);
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", name.data(), print_size(bytes));
  }
  finding.status = Status::good;
  finding.found = fmt::format("{}; {}", names, driver);
  if (version < 13000) {
    finding.status = Status::missing;
    finding.advice = "the CUDA build needs a driver for CUDA 13.0 or newer (580 or newer)";
  }
  return finding;
}

Finding examine_nccl() {
  const Library nccl("libnccl.so.2");
  auto* const version_of = nccl.function<int(int*)>("ncclGetVersion");
  int version = 0;
  if (version_of == nullptr || version_of(&version) != 0) {
    return {"NCCL", Status::missing, "not on the library path",
            "CPU ranks need none; a CUDA build of ringtrain-worker brings its own path"};
  }
  return {"NCCL", Status::good,
          fmt::format("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100), ""};
}

}  // namespace ringtrain::launcher
