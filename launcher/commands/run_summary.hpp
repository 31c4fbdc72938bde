// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "job/job_spec.hpp"
#include "job/result_file.hpp"
#include "launcher/commands/run_options.hpp"

namespace ringtrain::launcher {

// Programs for the commands that a summary proposes, as this shell can start them.
struct NextPrograms {
  std::string ringtrain;
  std::string python;  // one that has torch; empty: none, or no model on this machine to open
};

// Finds this program: by its name where that is first in PATH, else by its path from the working
// directory or from the root. Python is the first of PATH, or scripts/setup's, that can import
// torch; asking them takes a few hundredths of a second.
NextPrograms find_next_programs(const Result& result);

// Returns a finished run in a few lines, with commands to run next.
std::string run_summary(const Result& result, const RunOptions& options, const JobSpec& job,
                        const NextPrograms& programs);

}  // namespace ringtrain::launcher
