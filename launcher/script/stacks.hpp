// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "launcher/script/python_text.hpp"

namespace ringtrain::launcher {

// Asks a Python process for its stacks, by the signal SIGRTMIN + kStackSignal, and reads them from
// the file that it appends them to. Nothing is sent to a process that has no handler for it: the
// signal would end it. Waits up to half a second.
std::optional<PythonPosition> stack_of(pid_t process, const std::string& file);

}  // namespace ringtrain::launcher
