// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "launcher/process/process.hpp"

namespace ringtrain::launcher {

std::optional<Mpirun> parse_mpirun_version(const std::string& path, const std::string& output) {
  constexpr std::string_view kMarker = "(Open MPI) ";
  const auto start = output.find(kMarker);
  if (start == std::string::npos) return std::nullopt;
  const auto from = start + kMarker.size();
  const std::string version = output.substr(from, output.find_first_of(" \n", from) - from);
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major <= 0) return std::nullopt;
  return Mpirun{path, major, version};
}

Mpirun find_mpirun() {
  const char* const chosen = std::getenv("RINGTRAIN_MPIRUN");
  const std::string name = chosen == nullptr ? "mpirun" : chosen;
  const std::string path = find_program(name);
  if (path.empty()) {
    throw std::runtime_error(fmt::format(
        "{} is missing: install Open MPI (on Debian and Ubuntu: apt-get install openmpi-bin), or "
        "set RINGTRAIN_MPIRUN to its path",
        name));
  }
  const Captured run = capture({path, "--version"}, std::chrono::seconds(10));
  const auto mpirun = parse_mpirun_version(path, run.standard_output + run.standard_error);
  if (!mpirun || mpirun->major < 4) {
    throw std::runtime_error(
        fmt::format("{} is not Open MPI 4 or newer{}: put that first in PATH, or set "
                    "RINGTRAIN_MPIRUN to its path",
                    path, mpirun ? fmt::format(" but {}", mpirun->version) : ""));
  }
  return *mpirun;
}

}  // namespace ringtrain::launcher
