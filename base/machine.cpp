// SPDX-License-Identifier: Apache-2.0
#include "base/machine.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> first_line_of(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) return std::nullopt;
  return line;
}

std::optional<double> number(const std::string& text) {
  try {
    return std::stod(text);
  } catch (const std::exception&) {
    return std::nullopt;  // "max"
  }
}

// The group's directory and all above it, up to the root of the hierarchy: any of them may hold a
// limit. In a container the path of /proc/self/cgroup may not exist, and the root is the group.
std::vector<fs::path> group_directories(const fs::path& proc_self_cgroup, const fs::path& root,
                                        const std::string& controller) {
  std::ifstream stream(proc_self_cgroup);
  std::string line, path;
  fs::path base = root;
  while (std::getline(stream, line)) {  // "0::/path" or "4:cpu,cpuacct:/path"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (names.find("," + controller + ",") != std::string::npos) {
      base = root / controller;
      path = line.substr(second + 1);
      break;
    }
    if (names == ",,") path = line.substr(second + 1);
  }
  std::vector<fs::path> directories;
  for (fs::path relative = fs::path(path).relative_path(); !relative.empty();
       relative = relative.parent_path()) {
    directories.push_back(base / relative);
  }
  directories.push_back(base);
  return directories;
}

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  checked(::gethostname(name.data(), name.size() - 1), "gethostname");
  return name.data();
}

std::optional<double> cgroup_cpu_quota(const fs::path& proc_self_cgroup, const fs::path& root) {
  std::optional<double> least;
  const auto limit = [&](double quota, double period) {
    if (quota > 0 && period > 0) least = std::min(least.value_or(quota / period), quota / period);
  };
  for (const fs::path& directory : group_directories(proc_self_cgroup, root, "cpu")) {
    if (const auto line =
            first_line_of(directory / "cpu.max")) {  // "200000 100000" or "max 100000"
      const auto space = line->find(' ');
      if (space == std::string::npos) continue;
      const auto quota = number(line->substr(0, space));
      const auto period = number(line->substr(space));
      if (quota && period) limit(*quota, *period);
    } else if (const auto quota = first_line_of(directory / "cpu.cfs_quota_us")) {
      const auto period = first_line_of(directory / "cpu.cfs_period_us");
      if (period) limit(number(*quota).value_or(-1), number(*period).value_or(-1));
    }
  }
  return least;
}

std::optional<uint64_t> cgroup_memory_limit(const fs::path& proc_self_cgroup,
                                            const fs::path& root) {
  std::optional<uint64_t> least;
  for (const fs::path& directory : group_directories(proc_self_cgroup, root, "memory")) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      const auto line = first_line_of(directory / name);
      const auto bytes = line ? number(*line) : std::nullopt;
      // Version 1 says "no limit" with a number near 2^63.
      if (!bytes || *bytes < 0 || *bytes >= 9e18) continue;
      least = std::min(least.value_or(UINT64_MAX), static_cast<uint64_t>(*bytes));
    }
  }
  return least;
}

int Cores::usable() const {
  if (!quota) return std::max(1, cores);
  return std::max(1, std::min(cores, static_cast<int>(std::floor(*quota + 1e-6))));
}

Cores this_machine_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  Cores result;
  result.quota = cgroup_cpu_quota();
  // Above 1024 hardware threads the plain mask does not do; then one core is a safe answer.
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return result;
  result.threads = std::max(1, CPU_COUNT(&mask));
  result.cores = std::max(1, static_cast<int>(this_machine_core_names().size()));
  return result;
}

std::set<std::string> this_machine_core_names() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::set<std::string> cores;
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(static_cast<size_t>(cpu), &mask)) continue;
    const fs::path topology = fmt::format("/sys/devices/system/cpu/cpu{}/topology", cpu);
    const auto package = first_line_of(topology / "physical_package_id");
    const auto core = first_line_of(topology / "core_id");
    cores.insert(package.value_or("?") + ":" + core.value_or(fmt::format("cpu{}", cpu)));
  }
  return cores;
}

uint64_t Memory::usable() const { return std::min(available, limit.value_or(available)); }

Memory this_machine_memory() {
  Memory result{.limit = cgroup_memory_limit()};
  // The page cache counts as used in a control group, yet can be dropped, so only the limit is
  // taken from there.
  std::ifstream meminfo("/proc/meminfo");
  std::string line;
  while (std::getline(meminfo, line)) {  // "MemTotal:       16384000 kB"
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    const auto bytes = static_cast<uint64_t>(number(line.substr(colon + 1)).value_or(0) * 1024);
    if (key == "MemTotal") result.total = bytes;
    if (key == "MemAvailable") result.available = bytes;
  }
  return result;
}

}  // namespace ringtrain
