// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/worker_program.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "launcher/process/process.hpp"

namespace ringtrain::launcher {

std::string find_worker() {
  namespace fs = std::filesystem;
  if (const char* const chosen = std::getenv("RINGTRAIN_WORKER")) {
    const std::string path = find_program(fs::absolute(chosen).string());
    if (path.empty()) {
      throw std::runtime_error(
          fmt::format("RINGTRAIN_WORKER={} is not a program: correct or unset it", chosen));
    }
    return path;
  }
  return find_program_beside("ringtrain-worker");
}

std::string find_program_beside(const std::string& name) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
  const std::string path = find_program(beside.string());
  if (path.empty()) {
    throw std::runtime_error(
        fmt::format("{} is not there: build the target {}{}", beside.string(), name,
                    name == "ringtrain-worker" ? ", or set RINGTRAIN_WORKER to its path" : ""));
  }
  return path;
}

}  // namespace ringtrain::launcher
