// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain::launcher {

// Returns the program that every rank runs for a script, and its arguments. `is_program`: without
// Python, whatever its name ends in; `is_local`: the script must be on this machine;
// `python_option` is how the user names another Python. Throws a job error.
std::vector<std::string> script_program(const ScriptSpec& script, bool is_program, bool is_local,
                                        const std::string& python_option);

}  // namespace ringtrain::launcher
