// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/mpi/slurm.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::chrono::milliseconds kForDiscovery(5'000);

std::vector<Host> run_discovery(const std::string& program, const std::string& hostfile) {
  const Captured run = capture({program}, kForDiscovery);
  if (run.timed_out) throw job_error(fmt::format("{}: takes longer than 5 s", program));
  if (!run.status.success()) {
    throw job_error(fmt::format("{}: ends with exit code {}: {}", program, run.status.code,
                                first_line(run.standard_error)));
  }
  const std::vector<Host> known = hostfile.empty() ? std::vector<Host>() : read_hostfile(hostfile);
  return parse_discovered(run.standard_output, program, known);
}

}  // namespace

std::vector<Host> parse_discovered(const std::string& text, const std::string& name,
                                   const std::vector<Host>& known) {
  std::string hostfile;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string host, rest;
    if (!(words >> host)) {
      hostfile += '\n';
      continue;
    }
    std::getline(words, rest);
    // One colon is Horovod's "host:slots"; more are an IPv6 address.
    const auto colon = host.find(':');
    if (colon != std::string::npos && host.find(':', colon + 1) == std::string::npos) {
      rest = " slots=" + host.substr(colon + 1);
      host.resize(colon);
    }
    if (rest.find('=') == std::string::npos) {
      const auto same = std::find_if(known.begin(), known.end(),
                                     [&](const Host& other) { return other.name == host; });
      const int slots = same != known.end() ? same->slots : known.empty() ? 1 : known[0].slots;
      rest += fmt::format(" slots={}", slots);
    }
    hostfile += host + rest + "\n";
  }
  // At first there may be none yet.
  const bool none = hostfile.find_first_not_of('\n') == std::string::npos;
  return none ? std::vector<Host>() : parse_hostfile(hostfile, name);
}

HostSource::HostSource(std::string hostfile, std::string discover) {
  if (hostfile.empty() && discover.empty()) {
    hosts_ = {{"localhost", 1}};
    return;
  }
  if (!discover.empty()) {
    const std::string program = find_program(std::filesystem::absolute(discover).string());
    if (program.empty()) {
      throw job_error(fmt::format("--discover {}: is not a program: make it executable", discover));
    }
    discover = program;
  } else {
    const auto folder = std::filesystem::absolute(hostfile).parent_path();
    discover = find_program((folder / "discover_hosts.sh").string());
  }
  list_ = [hostfile = std::move(hostfile), discover = std::move(discover)] {
    return discover.empty() ? read_hostfile(hostfile) : run_discovery(discover, hostfile);
  };
  hosts_ = list_();
}

void HostSource::look() {
  complaint_.clear();
  if (is_this_machine()) return;
  try {
    hosts_ = list_();
    last_complaint_.clear();
  } catch (const std::exception& error) {
    if (last_complaint_ != error.what()) complaint_ = error.what();
    last_complaint_ = error.what();
  }
}

HostSource available_hosts(const std::string& hostfile, const std::string& discover) {
  if (hostfile.empty() && discover.empty()) {
    if (!slurm_hosts().empty()) return HostSource(slurm_hosts);
  }
  return HostSource(hostfile, discover);
}

}  // namespace ringtrain::launcher
