// SPDX-License-Identifier: Apache-2.0
// The folders of one start of mpirun, on every host: Open MPI's shared memory in /dev/shm and its
// session in /tmp. Ranks that were killed can't remove them; whoever stands above them does, by
// name.
#pragma once

#include <string>

namespace ringtrain::launcher {

// A new name, as "ringtrain-0123456789abcdef".
std::string new_scratch_name();

std::string scratch_in_memory(const std::string& name);    // /dev/shm/NAME
std::string scratch_for_session(const std::string& name);  // /tmp/NAME

// Makes both folders on this host, or leaves them as they are: Open MPI says what it misses.
// Nothing where the name is none of ours.
void make_scratch(const std::string& name);
// Removes them; of the session's folder, which hosts may share, what is this host's.
void remove_scratch(const std::string& name);

}  // namespace ringtrain::launcher
