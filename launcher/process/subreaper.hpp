// SPDX-License-Identifier: Apache-2.0
// The forked copy of this program that stands between us and a child (see process.hpp).
#pragma once

#include <chrono>
#include <cstdint>

#include "base/spawn.hpp"

namespace ringtrain::launcher {

// A message of the subreaper, on a SOCK_SEQPACKET socket.
struct SubreaperMessage {
  enum Kind : int32_t { started, failed_to_start, ended } kind;
  int32_t value;  // errno, or the child's wait status
};

// A request to the subreaper is a signal for its child, as an int32_t, or this.
inline constexpr int32_t kKillEverything = 0;

// Time from the launcher's death until the rest of the tree is killed.
inline constexpr std::chrono::seconds kOrphansEndBy(5);

// Starts the program and returns to nobody: ends when the tree below it has ended.
// Requires: this process was just forked for it.
[[noreturn]] void run_subreaper(const SpawnOptions& program, int control);

}  // namespace ringtrain::launcher
