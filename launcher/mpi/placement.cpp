// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/placement.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "launcher/mpi/slurm.hpp"
#include "launcher/process/scratch.hpp"

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

// True if the kernel and the container let processes of a user read each other's memory.
bool cross_memory_allowed() {
  int from = 1;
  int to = 0;
  const iovec local{&to, sizeof to};
  const iovec remote{&from, sizeof from};
  return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) == sizeof to && to == from;
}

}  // namespace

int RankLayout::threads_per_rank() const {
  if (given_threads > 0) return given_threads;
  return local ? std::max(1, cores.usable() / std::max(1, ranks())) : 0;
}

RankLayout lay_out_on(std::vector<Host> hosts) {
  RankLayout layout;
  layout.hosts = std::move(hosts);
  layout.local = all_are_this_machine(layout.hosts);
  layout.cores = this_machine_cores();
  layout.given_threads = slurm_cpus_per_task();
  layout.root = ::geteuid() == 0;
  layout.cross_memory = cross_memory_allowed();
  layout.environment = own_environment();
  layout.scratch = new_scratch_name();
  std::error_code error;  // then empty
  layout.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  return layout;
}

RankLayout lay_out_ranks(const std::string& hostfile, int ranks) {
  if (hostfile.empty()) return lay_out_on({{"localhost", std::max(1, ranks)}});
  std::vector<Host> hosts = read_hostfile(hostfile);
  return lay_out_on(ranks > 0 ? first_slots(hosts, ranks) : std::move(hosts));
}

std::string crowding_note(int ranks, const Cores& cores) {
  if (ranks <= cores.usable()) return "";
  return fmt::format("note: {} on {} take turns: -n {} is likely faster", counted(ranks, "rank"),
                     counted(cores.usable(), "core"), cores.usable());
}

TemporaryHostfile::TemporaryHostfile(const std::vector<Host>& hosts)
    : file_(checked(::memfd_create("ringtrain-hosts", MFD_CLOEXEC), "memfd_create")),
      path_(fmt::format("/proc/{}/fd/{}", ::getpid(), file_.get())) {
  const std::string text = print_hostfile(hosts);
  if (::write(file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
  }
}

}  // namespace ringtrain::launcher
