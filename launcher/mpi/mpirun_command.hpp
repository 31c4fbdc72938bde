// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::launcher {

struct MpirunCommand {
  std::vector<std::string> arguments;  // mpirun first
  Environment environment;             // beside ours
};

// Returns the command that starts a layout's ranks. `worker`: the program and its arguments;
// `hostfile`: a file with just layout.hosts.
MpirunCommand mpirun_command(const Mpirun& mpirun, const RankLayout& layout,
                             const std::string& hostfile, const std::vector<std::string>& worker);

}  // namespace ringtrain::launcher
