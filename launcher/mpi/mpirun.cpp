// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun.hpp"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "launcher/process/scratch.hpp"

namespace ringtrain::launcher {
namespace {

bool has_variable(const Environment& environment, std::string_view name) {
  return std::any_of(environment.begin(), environment.end(),
                     [&](const auto& variable) { return variable.first == name; });
}

// What ranks on other hosts need of our environment; on this machine they inherit all of it.
bool is_for_ranks(std::string_view name) {
  static constexpr std::array<std::string_view, 11> prefixes = {
      "RINGTRAIN_", "NCCL_", "CUDA_", "TORCH_", "OMP_", "MKL_",
      "HDF5_",      "KMP_",  "GOMP_", "GLOO_",  "UCX_"};
  return name == "LD_LIBRARY_PATH" ||
         std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Whether RINGTRAIN_EXPORT, a list of names with commas between them, has this one.
bool is_exported(const Environment& environment, const std::string& name) {
  return std::any_of(environment.begin(), environment.end(), [&](const auto& variable) {
    return variable.first == "RINGTRAIN_EXPORT" &&
           ("," + variable.second + ",").find("," + name + ",") != std::string::npos;
  });
}

bool is_line_of_dashes(const std::string& line) {
  return line.size() >= 20 && line.find_first_not_of('-') == std::string::npos;
}

// Returns the word that follows `before`, without a full stop; empty where there is none.
std::string word_after(const std::string& text, const std::string& before) {
  const auto start = text.find(before);
  if (start == std::string::npos) return "";
  const auto from = start + before.size();
  return std::string(trimmed(text.substr(from, text.find_first_of(" \n,", from) - from), "."));
}

}  // namespace

std::optional<Mpirun> parse_mpirun_version(const std::string& path, const std::string& output) {
  constexpr std::string_view marker = "(Open MPI) ";
  const auto start = output.find(marker);
  if (start == std::string::npos) return std::nullopt;
  const auto from = start + marker.size();
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
        "{} is not there: install Open MPI (on Debian and Ubuntu: apt-get install openmpi-bin), or "
        "set RINGTRAIN_MPIRUN to its path",
        name));
  }
  const Captured said = capture({path, "--version"}, std::chrono::seconds(10));
  const auto mpirun = parse_mpirun_version(path, said.standard_output + said.standard_error);
  if (!mpirun || mpirun->major < 4) {
    throw std::runtime_error(
        fmt::format("{} is not Open MPI 4 or newer{}: put that first in PATH, or set "
                    "RINGTRAIN_MPIRUN to its path",
                    path, mpirun ? fmt::format(" but {}", mpirun->version) : ""));
  }
  return *mpirun;
}

int RankLayout::threads_per_rank() const {
  return local ? std::max(1, cores.usable() / std::max(1, ranks())) : 0;
}

MpirunCommand mpirun_command(const Mpirun& mpirun, const RankLayout& layout,
                             const std::string& hostfile, const std::vector<std::string>& worker) {
  const bool prrte = mpirun.major >= 5;  // its own launcher from Open MPI 5 on
  MpirunCommand command;
  std::vector<std::string>& arguments = command.arguments;
  const auto add = [&](std::initializer_list<std::string> words) {
    arguments.insert(arguments.end(), words);
  };
  // A parameter that the user has set in the environment stays: the command line would win over it.
  const auto add_parameter = [&](const std::string& name, const std::string& value) {
    if (!has_variable(layout.environment, "OMPI_MCA_" + name)) add({"--mca", name, value});
  };
  const auto add_launch_parameter = [&](const std::string& orte_name, const std::string& prte_name,
                                        const std::string& value) {
    if (!prrte) {
      add_parameter(orte_name, value);
    } else if (!has_variable(layout.environment, "PRTE_MCA_" + prte_name)) {
      add({"--prtemca", prte_name, value});
    }
  };

  add({mpirun.path, "-np", std::to_string(layout.ranks())});
  // Never without: Open MPI 5 ignores the variables by which operators name one, and would put
  // every rank on this host.
  add({"--hostfile", hostfile});
  if (layout.root) add({"--allow-run-as-root"});

  const int threads = layout.threads_per_rank();
  if (layout.local && layout.ranks() > layout.cores.threads) {
    add(prrte ? std::initializer_list<std::string>{"--map-by", "slot:OVERSUBSCRIBE"}
              : std::initializer_list<std::string>{"--oversubscribe"});
    add({"--bind-to", "none"});
    add_parameter("mpi_yield_when_idle", "1");
  } else if (layout.local && layout.ranks() > 1 && !layout.cores.quota &&
             layout.ranks() * threads <= layout.cores.cores) {
    add({"--map-by", fmt::format("slot:PE={}", threads), "--bind-to", "core"});
  } else {
    // Several "hosts" may share one machine (containers, network namespaces), and Open MPI would
    // bind the first rank of each to the same core: every exchange then costs a time slice.
    add({"--bind-to", "none"});
  }

  // A path with a space could not be given, and Open MPI 5 starts its daemons in another way.
  const bool own_shell = !layout.local && !prrte && !layout.program.empty() &&
                         layout.program.find(' ') == std::string::npos &&
                         !has_variable(layout.environment, "OMPI_MCA_plm_rsh_agent");
  // Where nobody of ours is on the other hosts to make the folders, Open MPI's own places serve.
  if (!prrte && !layout.scratch.empty() && (layout.local || own_shell)) {
    command.environment.emplace_back("RINGTRAIN_SCRATCH", layout.scratch);
    add_parameter("btl_vader_backing_directory", scratch_in_memory(layout.scratch));
    add_parameter("osc_sm_backing_directory", scratch_in_memory(layout.scratch));
    add_parameter("orte_tmpdir_base", scratch_for_session(layout.scratch));
  }

  if (layout.local) {
    // Nothing but shared memory: no search for networks, no listening ports between ranks.
    add_parameter("pml", "ob1");
    add_parameter("btl", prrte ? "self,sm" : "self,vader");
    if (!layout.cross_memory) {
      prrte ? add_parameter("smsc", "^cma")
            : add_parameter("btl_vader_single_copy_mechanism", "none");
    }
  } else {
    if (!prrte) add_parameter("btl", "^openib");  // UCX has its place; it only warns
    if (own_shell) {
      add_parameter("plm_rsh_agent", layout.program + " remote-shell");
      // Every host by a connection of its own from here, which stays: nothing hangs on a third one.
      add_parameter("plm_rsh_no_tree_spawn", "1");
      add_parameter("plm_rsh_num_concurrent",
                    std::to_string(std::max<std::size_t>(128, layout.hosts.size() + 1)));
    } else {
      // A host that wants a password or does not answer is an error, not a wait.
      add_launch_parameter("plm_rsh_args", "plm_ssh_args",
                           "-o BatchMode=yes -o ConnectTimeout=10 -o ConnectionAttempts=10");
    }
    add_launch_parameter("orte_keep_fqdn_hostnames", "prte_keep_fqdn_hostnames", "1");
    for (const auto& [name, value] : layout.environment) {
      if (is_for_ranks(name) || is_exported(layout.environment, name)) add({"-x", name});
    }
  }

  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}) {
    if (threads == 0 || has_variable(layout.environment, name)) continue;
    command.environment.emplace_back(name, std::to_string(threads));
    add({"-x", name});
  }
  // Open MPI keeps sockets below TMPDIR, whose paths must be shorter than 108 bytes.
  for (const auto& [name, value] : layout.environment) {
    if (name == "TMPDIR" && value.size() > 40) command.environment.emplace_back("TMPDIR", "/tmp");
  }
  arguments.insert(arguments.end(), worker.begin(), worker.end());
  return command;
}

std::string describe(const LostRank& rank) {
  return fmt::format("rank {} on {} was ended by signal {}{}{}", rank.rank, rank.host, rank.signal,
                     rank.signal_name.empty() ? "" : " ", rank.signal_name);
}

bool cross_memory_allowed() {
  int from = 1;
  int to = 0;
  const iovec local{&to, sizeof to};
  const iovec remote{&from, sizeof from};
  return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) == sizeof to && to == from;
}

std::vector<std::string> MpirunMessages::feed(const std::string& line) {
  if (is_line_of_dashes(line)) {
    if (in_block_) return close_block();
    in_block_ = true;
    return {};
  }
  if (in_block_) {
    block_.push_back(line);
    return {};
  }
  // "[node:123] 3 more processes have sent help message help-mpi-api.txt / mpi-abort", and how to
  // see them; or that such a message could not be put together, as its sender had ended.
  const bool lost_message = line.find("ORTE_ERROR_LOG") != std::string::npos &&
                            line.find("show_help.c") != std::string::npos;
  if (line.starts_with("mpirun: Forwarding signal")) return {};
  // A race in mpirun that does no harm.
  const bool group_message = line.find("plm:rsh: Warning: setpgid") != std::string::npos;
  if (line.starts_with('[') &&
      (lost_message || group_message || line.find("sent help message") != std::string::npos ||
       line.find("orte_base_help_aggregate") != std::string::npos)) {
    return {};
  }
  return {line};
}

std::vector<std::string> MpirunMessages::finish() { return close_block(); }

std::vector<std::string> MpirunMessages::close_block() {
  in_block_ = false;
  std::vector<std::string> lines = std::exchange(block_, {});
  const std::string text = fmt::format("{}", fmt::join(lines, " "));
  const bool by_signal = text.find("exited on signal") != std::string::npos;
  if (by_signal && !lost_rank_) {
    const auto name = text.find('(', text.find("exited on signal"));
    lost_rank_ = LostRank{.rank = word_after(text, "process rank "),
                          .host = word_after(text, "on node "),
                          .signal = std::atoi(word_after(text, "exited on signal ").c_str()),
                          .signal_name = name == std::string::npos
                                             ? ""
                                             : text.substr(name, text.find(')', name) - name + 1)};
  }
  const bool about_an_end = by_signal || text.find("non-zero status") != std::string::npos ||
                            text.find("non-zero exit code") != std::string::npos ||
                            text.find("MPI_ABORT was invoked") != std::string::npos ||
                            text.find("terminated normally") != std::string::npos;
  if (about_an_end) {
    kept_.insert(kept_.end(), lines.begin(), lines.end());
    return {};
  }
  return lines;
}

}  // namespace ringtrain::launcher
