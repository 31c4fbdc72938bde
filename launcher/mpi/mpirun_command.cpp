// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "job/events.hpp"
#include "launcher/process/scratch.hpp"

namespace ringtrain::launcher {
namespace {

bool has_variable(const Environment& environment, std::string_view name) {
  return std::any_of(environment.begin(), environment.end(),
                     [&](const auto& variable) { return variable.first == name; });
}

// Whether ranks on other hosts need a variable of our environment; on this machine they inherit
// all.
bool is_for_ranks(std::string_view name) {
  // The last ones are for data and results at URLs: storage/s3/s3_settings.hpp.
  static constexpr std::array<std::string_view, 20> kPrefixes = {
      "RINGTRAIN_", "NCCL_",        "CUDA_",       "CUBLAS_",        "CUDNN_",
      "PYTORCH_",   "TORCH_",       "OMP_",        "MKL_",           "HDF5_",
      "KMP_",       "GOMP_",        "GLOO_",       "UCX_",           "AWS_",
      "aws_",       "endpoint_url", "region_name", "datasetsbucket", "trainingbucket"};
  return name == "LD_LIBRARY_PATH" ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Whether RINGTRAIN_EXPORT, a list of names with commas between them, has this name.
bool is_exported(const Environment& environment, const std::string& name) {
  return std::any_of(environment.begin(), environment.end(), [&](const auto& variable) {
    return variable.first == "RINGTRAIN_EXPORT" &&
           ("," + variable.second + ",").find("," + name + ",") != std::string::npos;
  });
}

// Builds the command, a topic a function.
class Builder {
 public:
  Builder(const Mpirun& mpirun, const RankLayout& layout)
      : layout_(layout), prrte_(mpirun.major >= 5), threads_(layout.threads_per_rank()) {
    // A path with a space could not be passed, and Open MPI 5 starts its daemons in another way.
    own_shell_ = !layout.local && !prrte_ && !layout.program.empty() &&
                 layout.program.find(' ') == std::string::npos &&
                 !has_variable(layout.environment, "OMPI_MCA_plm_rsh_agent");
  }

  MpirunCommand build(const Mpirun& mpirun, const std::string& hostfile,
                      const std::vector<std::string>& worker) {
    add({mpirun.path, "-np", std::to_string(layout_.ranks())});
    // Always: Open MPI 5 ignores the variables by which operators name a hostfile, and would put
    // every rank on this host.
    add({"--hostfile", hostfile});
    if (layout_.root) add({"--allow-run-as-root"});
    leave_slurm();
    bind();
    use_scratch();
    if (layout_.local) {
      use_shared_memory();
    } else {
      reach_hosts();
    }
    pass_environment();
    command_.arguments.insert(command_.arguments.end(), worker.begin(), worker.end());
    return std::move(command_);
  }

 private:
  void add(std::initializer_list<std::string> words) {
    command_.arguments.insert(command_.arguments.end(), words);
  }
  // A parameter that the user has set in the environment stays: the command line would win over it.
  void add_parameter(const std::string& name, const std::string& value) {
    if (!has_variable(layout_.environment, "OMPI_MCA_" + name)) add({"--mca", name, value});
  }
  // A parameter of mpirun's launcher, which Open MPI 5 took out of MPI.
  void add_launch_parameter(const std::string& orte_name, const std::string& prte_name,
                            const std::string& value) {
    if (!prrte_) {
      add_parameter(orte_name, value);
    } else if (!has_variable(layout_.environment, "PRTE_MCA_" + prte_name)) {
      add({"--prtemca", prte_name, value});
    }
  }

  // In a Slurm job, Open MPI would start its daemons by srun and allow Slurm's hosts alone. Ours
  // come from the hostfile, and losses are handled by our own remote shell.
  void leave_slurm() {
    if (!has_variable(layout_.environment, "SLURM_JOB_ID")) return;
    add_launch_parameter("plm", "plm", prrte_ ? "ssh" : "rsh");
    add_launch_parameter("ras", "ras", "^slurm");
  }

  void bind() {
    if (layout_.local && layout_.ranks() > layout_.cores.threads) {
      if (prrte_) {
        add({"--map-by", "slot:OVERSUBSCRIBE"});
      } else {
        add({"--oversubscribe"});
      }
      add({"--bind-to", "none"});
      add_parameter("mpi_yield_when_idle", "1");
    } else if (layout_.local && layout_.ranks() > 1 && !layout_.cores.quota &&
               layout_.ranks() * threads_ <= layout_.cores.cores) {
      add({"--map-by", fmt::format("slot:PE={}", threads_), "--bind-to", "core"});
    } else {
      // Several "hosts" may share one machine (containers, network namespaces), and Open MPI would
      // bind the first rank of each to the same core: every exchange then costs a time slice.
      add({"--bind-to", "none"});
    }
  }

  // Hosts without our remote shell have no scratch folders: Open MPI's own places serve there.
  void use_scratch() {
    if (prrte_ || layout_.scratch.empty() || !(layout_.local || own_shell_)) return;
    command_.environment.emplace_back("RINGTRAIN_SCRATCH", layout_.scratch);
    add_parameter("btl_vader_backing_directory", scratch_in_memory(layout_.scratch));
    add_parameter("orte_tmpdir_base", scratch_for_session(layout_.scratch));
  }

  // Shared memory alone: no search for networks, no listening ports between ranks.
  void use_shared_memory() {
    add_parameter("pml", "ob1");
    add_parameter("btl", prrte_ ? "self,sm" : "self,vader");
    if (layout_.cross_memory) return;
    if (prrte_) {
      add_parameter("smsc", "^cma");
    } else {
      add_parameter("btl_vader_single_copy_mechanism", "none");
    }
  }

  void reach_hosts() {
    if (!prrte_) add_parameter("btl", "^openib");  // superseded by UCX; it only warns
    if (own_shell_) {
      add_parameter("plm_rsh_agent", layout_.program + " remote-shell");
      // Each host has a connection of its own from here, which stays: none depends on a third host.
      add_parameter("plm_rsh_no_tree_spawn", "1");
      add_parameter("plm_rsh_num_concurrent",
                    std::to_string(std::max<size_t>(128, layout_.hosts.size() + 1)));
    } else {
      // A host that wants a password or does not answer is an error, not a wait.
      add_launch_parameter("plm_rsh_args", "plm_ssh_args",
                           "-o BatchMode=yes -o ConnectTimeout=10 -o ConnectionAttempts=10");
    }
    add_launch_parameter("orte_keep_fqdn_hostnames", "prte_keep_fqdn_hostnames", "1");
    for (const auto& [name, value] : layout_.environment) {
      if (is_for_ranks(name) || is_exported(layout_.environment, name)) add({"-x", name});
    }
  }

  void pass_environment() {
    if (layout_.attempt > 0) {
      command_.environment.emplace_back(kAttemptVariable, std::to_string(layout_.attempt));
      if (!layout_.local) add({"-x", kAttemptVariable});
    }
    for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}) {
      if (threads_ == 0 || has_variable(layout_.environment, name)) continue;
      command_.environment.emplace_back(name, std::to_string(threads_));
      add({"-x", name});
    }
    if (threads_ != 1 && !has_variable(layout_.environment, kSpinVariable) &&
        !has_variable(layout_.environment, kWaitPolicyVariable)) {
      command_.environment.emplace_back(kSpinVariable, kSpinRounds);
      add({"-x", kSpinVariable});
    }
    // Open MPI keeps sockets below TMPDIR, whose paths must be shorter than 108 bytes.
    for (const auto& [name, value] : layout_.environment) {
      if (name == "TMPDIR" && value.size() > 40) {
        command_.environment.emplace_back("TMPDIR", "/tmp");
      }
    }
  }

  const RankLayout& layout_;
  const bool prrte_;  // Open MPI's launcher from 5 on
  const int threads_;
  bool own_shell_ = false;  // hosts are reached by our remote shell
  MpirunCommand command_;
};

}  // namespace

MpirunCommand mpirun_command(const Mpirun& mpirun, const RankLayout& layout,
                             const std::string& hostfile, const std::vector<std::string>& worker) {
  return Builder(mpirun, layout).build(mpirun, hostfile, worker);
}

}  // namespace ringtrain::launcher
