// SPDX-License-Identifier: Apache-2.0
// How mpirun reaches other hosts, and how nothing of a run stays there:
//
//   mpirun ── ringtrain remote-shell ── ssh ~~~ sshd ── ringtrain guard ── orted ── ranks
//
// The remote shell sends a byte a second through ssh. The guard ends everything below it when the
// bytes stop: at once when the connection was closed, after `longest_silence` when the network or
// this machine is gone and nobody is left to close it (TCP alone would wait for a quarter of an
// hour). In the other direction ssh itself asks for signs of life, and the remote shell tells the
// launcher of a host that is lost.
//
// Both are commands of `ringtrain` that are not for people.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

// `arguments`: options for ssh as many as OMPI_MCA_plm_rsh_args has words, the host, and the words
// of a command for its shell. Returns the exit code of ssh.
int remote_shell(const std::vector<std::string>& arguments);

// Runs a command by /bin/sh and stays until everything that it started has ended; then removes its
// scratch folders (scratch.hpp). Returns the command's exit code.
int guard(const std::string& scratch, const std::string& command);

// The ssh options of every connection: never a question, no host that is waited for without end.
std::vector<std::string> ssh_options();

}  // namespace ringtrain::launcher
