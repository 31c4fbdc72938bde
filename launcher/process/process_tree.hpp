// SPDX-License-Identifier: Apache-2.0
// Finds, signals and reaps the processes below a process.
#pragma once

#include <sys/types.h>

#include <vector>

namespace ringtrain::launcher {

struct ProcessStat {
  char state = '?';  // 'T': paused by a signal
  pid_t parent = 0;
};

// Reads /proc/PID/stat; the defaults above for a process that has ended.
ProcessStat stat_of(pid_t process);

// Returns every process below `root`, by /proc.
std::vector<pid_t> descendants(pid_t root);

void signal_descendants(pid_t root, int signal);

// Reaps our children that have ended. Returns whether `child` is among them; `status` is then its
// wait status. Sets `alone` to whether no children are left.
bool reap(pid_t child, int& status, bool& alone);

}  // namespace ringtrain::launcher
