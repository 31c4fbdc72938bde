// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::chrono::milliseconds for_discovery(5'000);

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

HostSource::HostSource(std::string hostfile, std::string discover)
    : hostfile_(std::move(hostfile)), discover_(std::move(discover)) {
  if (is_this_machine()) {
    hosts_ = {{"localhost", 1}};
    return;
  }
  if (!discover_.empty()) {
    const std::string program = find_program(std::filesystem::absolute(discover_).string());
    if (program.empty()) {
      throw job_error(fmt::format("--discover {}: is no program: make it executable", discover_));
    }
    discover_ = program;
  } else {
    const auto folder = std::filesystem::absolute(hostfile_).parent_path();
    discover_ = find_program((folder / "discover_hosts.sh").string());
  }
  if (!hostfile_.empty()) hosts_ = read_hostfile(hostfile_);
  if (!discover_.empty()) hosts_ = discovered();
}

std::vector<Host> HostSource::discovered() const {
  const Captured said = capture({discover_}, for_discovery);
  if (said.timed_out) throw job_error(fmt::format("{}: takes longer than 5 s", discover_));
  if (!said.status.success()) {
    throw job_error(fmt::format("{}: ends with exit code {}: {}", discover_, said.status.code,
                                said.standard_error.substr(0, said.standard_error.find('\n'))));
  }
  const std::vector<Host> known =
      hostfile_.empty() ? std::vector<Host>() : read_hostfile(hostfile_);
  return parse_discovered(said.standard_output, discover_, known);
}

const std::vector<Host>& HostSource::look() {
  complaint_.clear();
  if (is_this_machine()) return hosts_;
  try {
    hosts_ = discover_.empty() ? read_hostfile(hostfile_) : discovered();
    complained_.clear();
  } catch (const std::exception& error) {
    if (complained_ != error.what()) complaint_ = error.what();
    complained_ = error.what();
  }
  return hosts_;
}

}  // namespace ringtrain::launcher
