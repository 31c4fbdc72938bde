// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/spawn.hpp"
#include "launcher/mpi/hostfile.hpp"

namespace ringtrain::launcher {

// Placement of ranks, and everything else that decides on mpirun's command line but its version.
struct RankLayout {
  std::vector<Host> hosts;  // with the slots that are used, all of them
  bool local = true;        // every host is this machine
  Cores cores;              // of this machine; used when local
  int given_threads = 0;    // of a rank, by Slurm; 0: not given
  bool root = false;
  bool cross_memory = true;  // processes may read each other's memory (process_vm_readv)
  Environment environment;   // ours, as it stands
  std::string scratch;       // a name of scratch folders; empty: Open MPI's own places
  int attempt = 0;           // number of this start within the run, from 1; 0: not passed on
  std::string program;       // `ringtrain` itself, for its remote shell; empty: plain ssh

  int ranks() const { return total_slots(hosts); }
  // Compute threads of a rank: those given, else its share of the machine's cores. 0: unknown, as
  // hosts are remote.
  int threads_per_rank() const;
};

// Lays ranks out on the hosts of a hostfile (0 ranks: on all its slots), or without one on this
// machine (0 ranks: a single one). Throws a job error for a hostfile that is bad or too small.
RankLayout lay_out_ranks(const std::string& hostfile, int ranks);

// Lays ranks out on all slots of these hosts.
RankLayout lay_out_on(std::vector<Host> hosts);

// Returns a line for the user where ranks outnumber this machine's cores; else an empty text.
std::string crowding_note(int ranks, const Cores& cores);

// A file with just the given hosts, for mpirun. It lies in memory, and so is gone with this process
// however that ends; its path is good for programs that start while the object lives.
class TemporaryHostfile {
 public:
  explicit TemporaryHostfile(const std::vector<Host>& hosts);
  TemporaryHostfile(const TemporaryHostfile&) = delete;
  TemporaryHostfile& operator=(const TemporaryHostfile&) = delete;

  const std::string& path() const { return path_; }

 private:
  FileDescriptor file_;
  std::string path_;
};

}  // namespace ringtrain::launcher
