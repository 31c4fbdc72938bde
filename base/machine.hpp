// SPDX-License-Identifier: Apache-2.0
// The machine: its name, and the resources of it that this process may use: its affinity mask, its
// control group and the kernel's figures together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace ringtrain {

// Returns this machine's own name, which may have its domain. Throws std::system_error.
std::string host_name();

struct Cores {
  int threads = 1;              // hardware threads in our affinity mask
  int cores = 1;                // the physical cores that they belong to
  std::optional<double> quota;  // CPUs that the control group allows, where it limits them
  int usable() const;           // cores within the quota, at least 1
};

Cores this_machine_cores();

// Returns "PACKAGE:CORE" for each physical core in our affinity mask.
std::set<std::string> this_machine_core_names();

struct Memory {
  uint64_t total = 0;                  // bytes
  uint64_t available = 0;              // bytes that the kernel calls available
  std::optional<uint64_t> limit = {};  // bytes that the control group allows, where it limits them
  uint64_t usable() const;             // available within the limit
};

Memory this_machine_memory();

// CPUs by cpu.max (version 2) or cpu.cfs_quota_us (version 1) of this process's control group or
// one above.
std::optional<double> cgroup_cpu_quota(
    const std::filesystem::path& proc_self_cgroup = "/proc/self/cgroup",
    const std::filesystem::path& root = "/sys/fs/cgroup");

// Bytes that the control group allows, by memory.max or memory.limit_in_bytes.
std::optional<uint64_t> cgroup_memory_limit(
    const std::filesystem::path& proc_self_cgroup = "/proc/self/cgroup",
    const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace ringtrain
