// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace ringtrain::launcher {

// Which ranks below a process are paused by a signal: "; rank 1 is paused (SIGSTOP)". Empty where
// none is, or it runs on another host.
std::string stopped_ranks(pid_t root);

}  // namespace ringtrain::launcher
