// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/spawn.hpp"

namespace ringtrain::mpijob {

struct ProgramOutput {
  std::string output;   // its stdout, at most 1 MiB
  std::string problem;  // "exited with code 3"; empty on success
};

// Runs `arguments[0]` (a path, or a name to look up in PATH) until it exits, with `environment`
// added to ours. Its stderr is ours, and so is its stdin if it is `interactive`; else that is
// empty.
ProgramOutput run_program(const std::vector<std::string>& arguments, const Environment& environment,
                          bool interactive);

}  // namespace ringtrain::mpijob
