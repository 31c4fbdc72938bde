// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace ringtrain::launcher {

// Open MPI's mpirun.
struct Mpirun {
  std::string path;
  int major = 0;
  std::string version;  // "4.1.4"
};

// Reads the output of mpirun --version. Returns nothing if it is not Open MPI's.
std::optional<Mpirun> parse_mpirun_version(const std::string& path, const std::string& output);

// Finds the mpirun of PATH, or of the variable RINGTRAIN_MPIRUN. Throws std::runtime_error with
// what to do where there is none or it is not Open MPI 4 or newer.
Mpirun find_mpirun();

}  // namespace ringtrain::launcher
