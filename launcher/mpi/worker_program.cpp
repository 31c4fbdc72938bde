// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/worker_program.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

// Names by which ranks can prove that they run where they should. Addresses are no proof: a rank
// knows its host by name.
std::string expected_hosts(const RankLayout& layout) {
  std::string names;
  if (layout.local) return names;
  for (const Host& host : layout.hosts) {
    if (is_address(host.name) || host.name == "localhost") return "";
    names += (names.empty() ? "" : ",") + host.name;
  }
  return names;
}

}  // namespace

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

std::vector<std::string> worker_command(const WorkerJob& job, const RankLayout& layout,
                                        StartFrom from) {
  std::vector<std::string> command = {job.worker, std::filesystem::absolute(job.job_file).string()};
  for (const std::string& text : job.overrides) command.insert(command.end(), {"--set", text});
  command.insert(command.end(), {"--events", "--expect-ranks", std::to_string(layout.ranks())});
  if (const std::string hosts = expected_hosts(layout); !hosts.empty()) {
    command.insert(command.end(), {"--expect-hosts", hosts});
  }
  if (from == StartFrom::newest_checkpoint) {
    command.insert(command.end(), {"--set", "checkpoint.resume=auto"});
  }
  return command;
}

}  // namespace ringtrain::launcher
