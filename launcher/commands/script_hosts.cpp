// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/whole_number.hpp"
#include "launcher/mpi/slurm.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Returns a whole number of at least 1, or 0 for any other text.
int count_in(std::string_view text) {
  const int count = whole_number(text).value_or(0);
  return count <= 65536 ? count : 0;
}

// GPUs of this machine by their device files, /dev/nvidia0 and on.
int gpus() {
  int found = 0;
  std::error_code error;  // then none
  for (const auto& entry : fs::directory_iterator("/dev", error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("nvidia") || name.size() == 6) continue;
    if (name.find_first_not_of("0123456789", 6) == std::string::npos) ++found;
  }
  return found;
}

// Ranks of a host; 0: not given.
int ranks_per_host(const std::string& text) {
  if (text.empty()) return 0;
  if (text == "gpu" || (text == "auto" && gpus() > 0)) {
    if (gpus() == 0) throw job_error("--nproc-per-node gpu: this machine has no GPU");
    return gpus();
  }
  if (text == "cpu" || text == "auto") return this_machine_cores().usable();
  if (const int count = count_in(text); count > 0) return count;
  throw job_error(
      fmt::format("--nproc-per-node {}: must be a number from 1, auto, cpu or gpu", text));
}

// Numbers of hosts, the fewest and the most; 0, 0: not given.
std::pair<int, int> host_range(const std::string& text) {
  if (text.empty()) return {0, 0};
  const auto colon = text.find(':');
  const int least = count_in(std::string_view(text).substr(0, colon));
  const int most =
      colon == std::string::npos ? least : count_in(std::string_view(text).substr(colon + 1));
  if (least > 0 && most >= least) return {least, most};
  throw job_error(fmt::format("--nnodes {}: must be a number of hosts, or N:M", text));
}

// Returns the first hosts of a source as it changes, each with so many slots (0: its own).
HostSource first_hosts(const RunOptions& options, int most, int slots) {
  const auto all =
      std::make_shared<HostSource>(available_hosts(options.hostfile, options.discover));
  return HostSource([all, most, slots] {
    all->look();
    if (!all->complaint().empty()) throw job_error(all->complaint());
    std::vector<Host> hosts = all->hosts();
    if (most > 0 && hosts.size() > static_cast<size_t>(most)) {
      hosts.resize(static_cast<size_t>(most));
    }
    for (Host& host : hosts) host.slots = slots > 0 ? slots : host.slots;
    return hosts;
  });
}

}  // namespace

void require_slots(const RunOptions& options, const HostSource& hosts) {
  if (options.ranks == 0 || !options.discover.empty() || hosts.is_this_machine()) return;
  if (options.hostfile.empty()) {
    require_tasks(options.ranks);
  } else {
    first_slots(hosts.hosts(), options.ranks);
  }
}

void requeue_if_asked(const Outcome& outcome) {
  if (outcome.signal != SIGUSR1 || slurm_job().empty()) return;
  // Said before, since Slurm then ends this program.
  complain(fmt::format("putting Slurm job {} back into the queue", slurm_job()));
  const std::string problem = requeue_slurm_job();
  if (!problem.empty()) complain(problem);
}

Supervision plan_script(const RunOptions& options) {
  const int per_host = ranks_per_host(options.script.nproc_per_node);
  const auto [least, most] = host_range(options.script.nnodes);
  const std::chrono::seconds host_timeout(options.host_timeout);
  if (options.ranks > 0 && per_host > 0) {
    throw job_error("-n and --nproc-per-node: give one of them, ranks in all or of each host");
  }
  if (available_hosts(options.hostfile, options.discover).is_this_machine()) {
    if (least > 1) {
      throw job_error(
          fmt::format("--nnodes {}: name the hosts by --hostfile; one `ringtrain run` "
                      "starts the ranks of all",
                      options.script.nnodes));
    }
    Supervision run{.hosts = HostSource("", ""), .host_timeout = host_timeout};
    run.ranks = std::max({1, options.ranks, per_host});
    return run;
  }
  if (least != most && per_host == 0) {
    throw job_error("--nnodes N:M: needs --nproc-per-node, the ranks of each host");
  }
  Supervision run{.hosts = first_hosts(options, most, per_host), .host_timeout = host_timeout};
  const auto hosts = static_cast<int>(run.hosts.hosts().size());
  if (options.discover.empty() && hosts < std::max(1, least)) {
    throw job_error(
        fmt::format("--nnodes {}: {} names {}: add hosts, or ask for fewer", options.script.nnodes,
                    options.hostfile.empty() ? "the Slurm job" : options.hostfile, hosts));
  }
  require_slots(options, run.hosts);
  run.ranks = options.ranks > 0 ? options.ranks : std::max(most, hosts) * per_host;
  if (least != most) run.workers = {.min = least * per_host, .max = most * per_host};
  return run;
  // A std::function in `run` owns the memory.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
}

}  // namespace ringtrain::launcher
