// SPDX-License-Identifier: Apache-2.0
// A run that outlives its caller, in a folder of its own. `ringtrain keep FOLDER -- run job.yaml`
// starts a process beside nobody, which runs the launcher and stays until nothing of it is left:
//
//   keep ──┬── ringtrain run --run-dir FOLDER ──┬── recorder
//          │                                    └── subreaper ── mpirun ── ranks
//          └── whatever loses its parent
//
// The folder then holds run.lock (locked while keep lives), run.json (its process number),
// train.log (what the run prints, each line with its time), and, beside events.jsonl of the run
// itself, outcome.json at every end, also where the launcher was killed before it could record one.
// `keep FOLDER -- follow ...` keeps the follower of a run in a cluster in the same way
// (server/cluster/follower.hpp); where that is killed there is no outcome, since its run lives on.
// keep passes SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 to the launcher; when keep itself is killed the
// launcher gets SIGTERM, so that the ranks write a checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

// Starts `program arguments... --run-dir FOLDER` and returns its keeper's process number once the
// folder is locked and the program runs. The caller may hold the lock already and hand it over as
// standard input: then no moment is without it.
// Requires: no other threads, since it forks.
// Throws a job error where the folder cannot be used or a run is kept there.
pid_t keep(const std::filesystem::path& folder, const std::string& program,
           const std::vector<std::string>& arguments);

// Locks FOLDER/run.lock, which is made where it is missing; nothing where somebody holds it. The
// lock lasts until the descriptor and its copies in other processes are closed.
// Throws std::system_error.
std::optional<FileDescriptor> lock_run(const std::filesystem::path& folder);

// Returns whether a run lives in a folder: its keeper, or the recorder that it left behind.
bool run_lives(const std::filesystem::path& folder);

// Sends a signal to the keeper of a folder. Returns whether it was alive to get it; never hits
// another process, even if numbers are used again.
bool signal_run(const std::filesystem::path& folder, int signal);

}  // namespace ringtrain::launcher
