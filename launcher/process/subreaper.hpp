// SPDX-License-Identifier: Apache-2.0
// The forked copy of this program that stands between us and a child (see process.hpp).
#pragma once

#include <cstdint>

namespace ringtrain::launcher {

// What the keeper tells, on a SOCK_SEQPACKET socket.
struct KeeperMessage {
  enum Kind : int32_t { started, failed_to_start, ended } kind;
  int32_t value;  // errno, or the child's wait status
};

// What it is told: a signal for its child as an int32_t, or this.
constexpr int32_t kill_everything = 0;

// From the launcher's death until what is left of the tree is killed.
constexpr int milliseconds_after_orphaned = 5'000;

// The whole life of the keeper, to be called in a process that was just forked: starts the program,
// with `out` and `err` for its output, and ends when the tree below it has ended.
[[noreturn]] void run_keeper(char* const* arguments, int control, int out, int err);

}  // namespace ringtrain::launcher
