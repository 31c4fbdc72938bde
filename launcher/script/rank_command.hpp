// SPDX-License-Identifier: Apache-2.0
// The process around each rank of a script:
//
//   mpirun ── ringtrain rank SPEC python3 -u train.py ── python3 -u train.py
//
// It sets torchrun's environment, writes the script's output to a file, and reports to the launcher
// how the script ended and whether it is silent. The script does not outlive it (its parent-death
// signal), however it ends. A command of `ringtrain` that is not for people.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

// `arguments`: a RankSpec, the program and its arguments. Returns the exit code of the program.
// SIGUSR2, by which mpirun passes on a request to stop, becomes one SIGTERM to the program; so does
// mpirun's own SIGTERM.
int rank_command(const std::vector<std::string>& arguments);

}  // namespace ringtrain::launcher
