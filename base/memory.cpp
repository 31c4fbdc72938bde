// SPDX-License-Identifier: Apache-2.0
#include "base/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace ringtrain {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// "max" and a missing file mean no limit.
uint64_t number_in(const char* path, uint64_t otherwise) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : otherwise;
}

}  // namespace

uint64_t available_memory() {
  uint64_t available = kUnlimited;
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  while (meminfo >> key) {
    uint64_t kib = 0;
    if (key == "MemAvailable:" && meminfo >> kib) available = kib * 1024;
    meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  // Control groups v2, then v1. The page cache counts as used there, yet can be dropped, so only
  // the limit is taken.
  const uint64_t limit =
      std::min(number_in("/sys/fs/cgroup/memory.max", kUnlimited),
               number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", kUnlimited));
  return std::min(available, limit);
}

}  // namespace ringtrain
