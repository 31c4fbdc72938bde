// SPDX-License-Identifier: Apache-2.0
// All ranks of the job, and where they run.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ringtrain {

// Owns an MPI communicator (MPI_COMM_NULL after a move).
class MpiGroup {
 public:
  explicit MpiGroup(MPI_Comm comm);
  ~MpiGroup();
  MpiGroup(MpiGroup&& other) noexcept;
  MpiGroup& operator=(MpiGroup&&) = delete;
  MpiGroup(const MpiGroup&) = delete;

  MPI_Comm get() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }

  // Returns every rank's string, by rank. Collective.
  std::vector<std::string> all_gather(const std::string& mine) const;

 private:
  MPI_Comm comm_;
  int rank_ = 0;
  int size_ = 1;
};

// MPI from initialisation to finalisation; one a process. All ranks construct it together.
//
// MPI_THREAD_SERIALIZED: the main thread calls MPI before training and after it, the communication
// thread in between, never both at once. Every method is collective and for the thread whose turn
// it is.
class World {
 public:
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const { return all_.rank(); }
  int size() const { return all_.size(); }
  const MpiGroup& all() const { return all_; }
  // The ranks that share this rank's memory, in rank order.
  const MpiGroup& node() const { return node_; }
  // The same number on the ranks of a node, another on every node.
  int node_index() const { return node_index_; }
  // The ranks that give the same color, in rank order.
  MpiGroup split(int color) const;

  // Every rank's host name, by rank.
  const std::vector<std::string>& hosts() const { return hosts_; }

  // root's bytes on every rank; the size need not be known elsewhere.
  std::string broadcast(std::string bytes, int root = 0) const;
  std::vector<std::string> all_gather(const std::string& mine) const {
    return all_.all_gather(mine);
  }
  // The sum over all ranks, modulo 2^64.
  uint64_t sum(uint64_t mine) const;
  void barrier() const;

  // Ends every process of the job at once, without returning.
  [[noreturn]] static void abort(int exit_code);

 private:
  // First member, so destroyed last: the groups must be freed before MPI is finalised.
  struct Library {
    Library();
    ~Library();
  } library_;
  MpiGroup all_;
  MpiGroup node_;
  int node_index_;
  std::vector<std::string> hosts_;
};

// The name and version of the MPI library. Before and after its initialisation, too.
std::string mpi_version();

// Proof of placement: throws a lost error unless the world has `ranks` ranks (0: any number)
// and runs on exactly `hosts` (empty: any). Hosts are compared up to the first dot, as one machine
// may be known by a short and a full name. Open MPI 5 ignores version 4's settings and then packs
// all ranks on one host without a word; this is where that is found out.
void prove_placement(const World& world, int ranks, std::span<const std::string> hosts);

}  // namespace ringtrain
