// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace ringtrain {

// What this process may compute on.
struct Cores {
  int threads = 1;              // hardware threads in our affinity mask
  int cores = 1;                // the physical cores that they belong to
  std::optional<double> quota;  // CPUs that the control group allows, where it limits them
  int usable() const;           // cores within the quota, at least 1
};

Cores this_machine_cores();

// CPUs by cpu.max (version 2) or cpu.cfs_quota_us (version 1) of this process's control group or
// one above.
std::optional<double> cgroup_cpu_quota(
    const std::filesystem::path& proc_self_cgroup = "/proc/self/cgroup",
    const std::filesystem::path& root = "/sys/fs/cgroup");

// Bytes that the control group allows, by memory.max or memory.limit_in_bytes.
std::optional<double> cgroup_memory_limit(
    const std::filesystem::path& proc_self_cgroup = "/proc/self/cgroup",
    const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace ringtrain
