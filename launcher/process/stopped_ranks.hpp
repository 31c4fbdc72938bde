// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace ringtrain::launcher {

// Lists the ranks below a process that a signal has paused: "; rank 1 is paused (SIGSTOP)". Empty
// if there is none, or it runs on another host.
std::string stopped_ranks(pid_t root);

}  // namespace ringtrain::launcher
