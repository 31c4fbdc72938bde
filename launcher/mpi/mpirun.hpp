// SPDX-License-Identifier: Apache-2.0
// Open MPI's mpirun: which one it is, how it is told to start our ranks, and what it says when they
// end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "launcher/mpi/hostfile.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {

struct Mpirun {
  std::string path;
  int major = 0;
  std::string version;  // "4.1.4"
};

// From the output of mpirun --version; nothing where that is not Open MPI's.
std::optional<Mpirun> parse_mpirun_version(const std::string& path, const std::string& output);

// The mpirun of PATH, or of the variable RINGTRAIN_MPIRUN. Throws std::runtime_error that says what
// to do where there is none or it is not Open MPI 4 or newer.
Mpirun find_mpirun();

// All that decides on the command line besides the version.
struct RankLayout {
  std::vector<Host> hosts;  // with the slots that are used, all of them
  bool local = true;        // every host is this machine
  Cores cores;              // of this machine; looked at when local
  bool root = false;
  bool cross_memory = true;  // processes may read each other's memory (process_vm_readv)
  Environment environment;   // ours, as it stands
  std::string scratch;       // a name of scratch folders; empty: Open MPI's own places
  std::string program;       // `ringtrain` itself, for its remote shell; empty: plain ssh

  int ranks() const { return total_slots(hosts); }
  // Compute threads of a rank: its share of the machine's cores. 0: not known, as hosts are remote.
  int threads_per_rank() const;
};

struct MpirunCommand {
  std::vector<std::string> arguments;  // mpirun first
  Environment environment;             // beside ours
};

// `worker` is the program and its arguments, `hostfile` a file with just layout.hosts.
MpirunCommand mpirun_command(const Mpirun& mpirun, const RankLayout& layout,
                             const std::string& hostfile, const std::vector<std::string>& worker);

// Whether the kernel and the container let processes of a user read each other's memory.
bool cross_memory_allowed();

// A rank that a signal ended, as mpirun reports it.
struct LostRank {
  std::string rank;
  std::string host;
  int signal = 0;
  std::string signal_name;  // "(Killed)"
};

// "rank 1 on node3 was ended by signal 9 (Killed)"
std::string describe(const LostRank& rank);

// Sorts mpirun's own messages out of stderr. They stand between lines of dashes; those about the
// end of a rank are held back, because one line of ours says the same.
class MpirunMessages {
 public:
  // One line of stderr. Gives the lines to show, none while a message is under way.
  std::vector<std::string> feed(const std::string& line);
  // What is still held back, once stderr has ended.
  std::vector<std::string> finish();

  // The first rank that a signal ended, once mpirun has reported one.
  const std::optional<LostRank>& lost_rank() const { return lost_rank_; }
  // Messages about an end, which were held back.
  const std::vector<std::string>& kept() const { return kept_; }

 private:
  std::vector<std::string> close_block();

  bool in_block_ = false;
  std::vector<std::string> block_;
  std::optional<LostRank> lost_rank_;
  std::vector<std::string> kept_;
};

}  // namespace ringtrain::launcher
