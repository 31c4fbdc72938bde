// SPDX-License-Identifier: Apache-2.0
// Limits that a process sets on itself, and on all that it starts, before it reads what strangers
// have sent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ringtrain::launcher {

struct Confinement {
  std::filesystem::path directory = {};  // to work in
  uint64_t memory_bytes = 0;             // of heap and other private memory
  uint64_t file_bytes = 0;               // of a file that it writes
  uint64_t cpu_seconds = 0;
};

// Enters the directory, lowers the priority (nice 10), sets the limits, and gives the network up:
// from here on socket() fails with EACCES. For good: nothing takes it back.
// Requires: prctl(PR_SET_NO_NEW_PRIVS) is possible.
// Throws std::system_error.
void confine(const Confinement& limits);

// Returns the arguments of `ringtrain` that run `words` ("dataset", "import", ...) confined.
std::vector<std::string> confined(const Confinement& limits, const std::vector<std::string>& words);

// Runs what confined() returns, without "confine" itself. Does not return.
[[noreturn]] void run_confined(const std::vector<std::string>& arguments);

}  // namespace ringtrain::launcher
