// SPDX-License-Identifier: Apache-2.0
// The signals by which a rank is asked for a checkpoint. All of them only leave a note: what is to
// be done is agreed with the other ranks after the next step.
#pragma once

namespace ringtrain {

// From here on, until the process ends:
//   SIGUSR1                   a checkpoint, then training goes on
//   SIGTERM, SIGUSR2, SIGINT  a checkpoint, then the end; a second SIGINT ends the process at once
// (mpirun passes SIGUSR1 and SIGUSR2 on to all ranks on all hosts; SIGTERM it answers by ending
// them, within a second unless told otherwise.) Throws std::system_error.
void listen_to_signals();

// Whether a checkpoint was asked for since the last call.
bool take_checkpoint_request();
// Whether the end was asked for; by which signal, or 0.
int stop_request();

}  // namespace ringtrain
