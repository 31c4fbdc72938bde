// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>

#include "base/machine.hpp"
#include "base/text.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/mpirun_command.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/mpi/worker_program.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using Status = Finding::Status;

std::string gib(double bytes) { return fmt::format("{:.1f} GiB", bytes / (1 << 30)); }

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

Finding examine_mpi(std::optional<Mpirun>& mpirun) {
  Finding finding{"MPI", Finding::Status::good, "", ""};
  try {
    mpirun = find_mpirun();
  } catch (const std::exception& error) {
    return {"MPI", Status::bad, "no usable mpirun", error.what()};
  }
  finding.found = fmt::format("Open MPI {}, {}", mpirun->version, mpirun->path);
  return finding;
}

// Starts one rank of a program that does nothing: that takes root, slots, temporary directories and
// sockets.
Finding examine_start(const Mpirun& mpirun) {
  Finding finding{"start", Finding::Status::good, "", ""};
  const RankLayout layout = lay_out_on({{"localhost", 1}});
  const TemporaryHostfile hostfile(layout.hosts);
  const auto command = mpirun_command(mpirun, layout, hostfile.path(), {"true"});
  const Captured run = capture(command.arguments, seconds(20), command.environment);
  const std::string user = layout.root ? "root" : "this user";
  if (run.status.success() && !run.timed_out) {
    finding.found = fmt::format("mpirun starts programs as {}", user);
    return finding;
  }
  finding.status = Status::bad;
  finding.found =
      run.timed_out ? "mpirun did not end within 20 s" : fmt::format("mpirun fails as {}", user);
  std::istringstream lines(run.standard_error);
  std::string line;
  while (std::getline(lines, line) && (line.empty() || line[0] == '-')) {
  }
  finding.advice = fmt::format("run '{} true' to see why{}{}", mpirun.path,
                               line.empty() ? "" : "; here: ", line);
  return finding;
}

Finding examine_ssh() {
  const std::string path = find_program("ssh");
  if (path.empty()) {
    return {"ssh", Status::missing, "no ssh",
            "only runs on several hosts need it: apt-get install openssh-client"};
  }
  const Captured version = capture({path, "-V"}, seconds(5));
  return {"ssh", Status::good,
          first_line(version.standard_error.empty() ? path : version.standard_error), ""};
}

Finding examine_shared_memory() {
  struct statvfs status {};
  if (::statvfs("/dev/shm", &status) != 0) {
    return {"/dev/shm", Status::bad, "not there", "mount a tmpfs at /dev/shm"};
  }
  const double size = static_cast<double>(status.f_blocks) * static_cast<double>(status.f_frsize);
  const double free = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  Finding finding{"/dev/shm", Status::good, fmt::format("{} free of {}", gib(free), gib(size)), ""};
  if (::access("/dev/shm", W_OK) != 0) {
    finding.status = Status::bad;
    finding.advice = "it cannot be written: mount it with mode 1777";
  } else if (free < 256.0 * (1 << 20)) {
    // A container's usual 64 MiB are too small for gradients, and a rank that exceeds them dies by
    // SIGBUS.
    finding.status = Status::bad;
    finding.advice =
        "too small for the gradients of a larger model: docker run --shm-size=2g, or an "
        "emptyDir of medium Memory in Kubernetes";
  }
  return finding;
}

Finding examine_cores() {
  const Cores cores = this_machine_cores();
  Finding finding{
      "cores", Status::good,
      fmt::format("{} cores, {} hardware threads{}", cores.cores, cores.threads,
                  cores.quota
                      ? fmt::format(", limited to {:.3g} CPUs by the control group", *cores.quota)
                      : ""),
      ""};
  if (cores.quota && *cores.quota < 1) {
    finding.status = Status::bad;
    finding.advice = "less than one CPU: raise the container's limit";
  }
  return finding;
}

Finding examine_memory() {
  const Memory memory = this_machine_memory();
  const auto gib_of = [](uint64_t bytes) { return gib(static_cast<double>(bytes)); };
  Finding finding{
      "memory", Status::good,
      fmt::format("{} available of {}{}", gib_of(memory.available), gib_of(memory.total),
                  memory.limit
                      ? fmt::format(", limited to {} by the control group", gib_of(*memory.limit))
                      : ""),
      ""};
  if (memory.usable() < (uint64_t{512} << 20)) {
    finding.status = Status::bad;
    finding.advice = "a rank needs about 0.5 GiB: free some, or raise the container's limit";
  }
  return finding;
}

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
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", name.data(),
                         gib(static_cast<double>(bytes)));
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

Finding examine_worker() {
  std::string worker;
  try {
    worker = find_worker();
  } catch (const std::exception& error) {
    return {"worker", Status::bad, "no ringtrain-worker", error.what()};
  }
  // The first start after a build reads half a gigabyte of libraries from disk.
  const Captured run = capture({worker, "--version"}, seconds(60));
  if (!run.status.success()) {
    return {"worker", Status::bad, fmt::format("{} does not start", worker),
            run.timed_out ? "it did not answer in 60 s"
                          : "its message: " + first_line(run.standard_error)};
  }
  std::string versions;
  std::istringstream lines(run.standard_output);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.empty()) versions += (versions.empty() ? "" : ", ") + line;
  }
  return {"worker", Status::good, versions, ""};
}

std::string_view name_of(Status status) {
  switch (status) {
    case Status::good:
      return "ok";
    case Status::missing:
      return "missing";
    case Status::bad:
      return "bad";
  }
  return "";
}

}  // namespace

std::vector<Finding> examine_machine() {
  std::vector<Finding> findings;
  std::optional<Mpirun> mpirun;
  findings.push_back(examine_mpi(mpirun));
  if (mpirun) findings.push_back(examine_start(*mpirun));
  findings.push_back(examine_worker());
  findings.push_back(examine_cores());
  findings.push_back(examine_memory());
  findings.push_back(examine_shared_memory());
  findings.push_back(examine_ssh());
  findings.push_back(examine_gpu());
  findings.push_back(examine_nccl());
  return findings;
}

bool can_train(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.status == Status::bad; });
}

std::string print_findings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<8} {:<9} {}\n", name_of(finding.status), finding.what, finding.found);
    if (!finding.advice.empty()) text += fmt::format("{:<18} {}\n", "", finding.advice);
  }
  text += can_train(findings) ? "A run on CPU will work.\n"
                              : "A run on CPU will not work until the bad findings are mended.\n";
  return text;
}

nlohmann::ordered_json findings_to_json(const std::vector<Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"what", finding.what},
                    {"status", name_of(finding.status)},
                    {"found", finding.found},
                    {"advice", finding.advice}});
  }
  return {{"can_train", can_train(findings)}, {"findings", list}};
}

}  // namespace ringtrain::launcher
