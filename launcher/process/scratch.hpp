// SPDX-License-Identifier: Apache-2.0
// Folders of one start of mpirun, on every host: Open MPI's shared memory in /dev/shm and its
// session in /tmp. Ranks that were killed cannot remove them; the process above them does, by name.
#pragma once

#include <string>

namespace ringtrain::launcher {

// Returns a new name, like "ringtrain-0123456789abcdef".
std::string new_scratch_name();

std::string scratch_in_memory(const std::string& name);    // /dev/shm/NAME
std::string scratch_for_session(const std::string& name);  // /tmp/NAME

// Creates both folders on this host if it can; Open MPI reports what it misses. Ignores a name that
// is not one of ours.
void make_scratch(const std::string& name);
// Removes them. Hosts may share the session's folder: only this host's part of it is removed.
void remove_scratch(const std::string& name);

}  // namespace ringtrain::launcher
