// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::launcher {

// An OpenMP thread that waits for the others of its process spins for some ms by default. Where
// another job holds cores, nearly all of their time goes there (benchmarks/results/threads.md), so
// our programs get fewer rounds, unless the user has set either variable.
inline constexpr const char* kSpinVariable = "GOMP_SPINCOUNT";
inline constexpr const char* kSpinRounds = "10000";
inline constexpr const char* kWaitPolicyVariable = "OMP_WAIT_POLICY";

struct MpirunCommand {
  std::vector<std::string> arguments;  // mpirun first
  Environment environment;             // beside ours
};

// Returns the command that starts a layout's ranks. `worker`: the program and its arguments;
// `hostfile`: a file with just layout.hosts.
MpirunCommand mpirun_command(const Mpirun& mpirun, const RankLayout& layout,
                             const std::string& hostfile, const std::vector<std::string>& worker);

}  // namespace ringtrain::launcher
