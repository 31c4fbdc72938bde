// SPDX-License-Identifier: Apache-2.0
// The signals that ask a rank for a checkpoint. They only set a flag: the ranks agree on what to do
// after the next step.
#pragma once

namespace ringtrain {

// Handles these signals from now on:
//
//   SIGUSR1                   take a checkpoint and continue
//   SIGTERM, SIGUSR2, SIGINT  take a checkpoint and stop; a second SIGINT ends the process at once
//
// mpirun forwards SIGUSR1 and SIGUSR2 to all ranks on all hosts. On SIGTERM it ends them, by
// default within a second. Throws std::system_error.
void listen_to_signals();

// Returns true if a checkpoint was requested since the last call.
bool take_checkpoint_request();
// Returns the signal that asked the rank to stop, or 0.
int stop_request();

}  // namespace ringtrain
