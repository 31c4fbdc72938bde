// SPDX-License-Identifier: Apache-2.0
// The processes below a process: to find, to signal and to reap.
#pragma once

#include <sys/types.h>

#include <vector>

namespace ringtrain::launcher {

struct ProcessStat {
  char state = '?';  // 'T': paused by a signal
  pid_t parent = 0;
};

// By /proc/PID/stat; as it is set above where the process is gone.
ProcessStat stat_of(pid_t process);

// Every process below `root`, by /proc.
std::vector<pid_t> descendants(pid_t root);

void signal_descendants(pid_t root, int signal);

// Reaps our children that have ended. True when `child` is among them; `status` is then its status.
// Sets `alone` when no children are left.
bool reap(pid_t child, int& status, bool& alone);

}  // namespace ringtrain::launcher
