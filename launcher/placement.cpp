// SPDX-License-Identifier: Apache-2.0
#include "launcher/placement.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "launcher/cores.hpp"
#include "launcher/process.hpp"

namespace ringtrain::launcher {
namespace {

Environment own_environment() {
  Environment result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) {
      result.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return result;
}

}  // namespace

RankLayout lay_out_ranks(const std::string& hostfile, int ranks) {
  RankLayout layout;
  if (hostfile.empty()) {
    layout.hosts = {{"localhost", std::max(1, ranks)}};
  } else {
    layout.hosts = read_hostfile(hostfile);
    if (ranks > 0) layout.hosts = first_slots(layout.hosts, ranks);
  }
  layout.local = std::all_of(layout.hosts.begin(), layout.hosts.end(),
                             [](const Host& host) { return is_this_machine(host.name); });
  layout.cores = this_machine_cores();
  layout.root = ::geteuid() == 0;
  layout.cross_memory = cross_memory_allowed();
  layout.environment = own_environment();
  return layout;
}

TemporaryHostfile::TemporaryHostfile(const std::vector<Host>& hosts) {
  const std::string text = print_hostfile(hosts);
  path_ = (std::filesystem::temp_directory_path() / "ringtrain-hosts.XXXXXX").string();
  const FileDescriptor file(::mkostemp(path_.data(), O_CLOEXEC));
  if (!file.is_open() ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
  }
}

TemporaryHostfile::~TemporaryHostfile() { ::unlink(path_.c_str()); }

}  // namespace ringtrain::launcher
