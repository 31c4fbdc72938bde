// SPDX-License-Identifier: Apache-2.0
// Options of `ringtrain run` that are for another kind of run than the one that is asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

enum class RunKind {
  script,      // named on the command line
  training,    // by a job file
  script_job,  // a script, by a job file
};

// Returns the long names of the options on a command line.
std::vector<std::string> given_options(const CLI::App& command);

// Throws a job error for the first of these options that is not for this kind of run.
void refuse_options(const std::vector<std::string>& given, RunKind kind);

}  // namespace ringtrain::launcher
