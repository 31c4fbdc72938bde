// SPDX-License-Identifier: Apache-2.0
// How mpirun reaches other hosts, and how nothing of a run stays there:
//
//   mpirun ── ringtrain remote-shell ── ssh ~~~ sshd ── ringtrain guard ── orted ── ranks
//
// The remote shell sends a byte a second through ssh. The guard ends everything below it when the
// bytes stop: at once when the connection was closed, after kLongestSilence when the network or
// this machine is gone and nobody is left to close it (TCP alone would wait for a quarter of an
// hour). In the other direction ssh itself asks for signs of life, and the remote shell reports a
// lost host to the launcher.
//
// Both are commands of `ringtrain` that are not for people.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

// Runs a command on a host. `arguments`: as many options for ssh as OMPI_MCA_plm_rsh_args has
// words, the host, and the words of a command for its shell. Returns the exit code of ssh.
int remote_shell(const std::vector<std::string>& arguments);

// Runs a command by /bin/sh, waits until everything that it started has ended, and removes its
// scratch folders (scratch.hpp). Returns the command's exit code.
int guard(const std::string& scratch, const std::string& command);

// Returns the ssh options of every connection: no questions, and a limit to every wait.
std::vector<std::string> ssh_options();

}  // namespace ringtrain::launcher
