// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"

namespace ringtrain::collectives {

// A key-value store that all ranks see, such as torch's. Its keys may survive an earlier attempt of
// the same job.
struct Store {
  std::function<void(const std::string& key, const std::string& value)> set;
  // Returns at once; nothing where the key is not set.
  std::function<std::optional<std::string>(const std::string& key)> get;
};

// One rank's place in a group of any processes.
struct Member {
  int rank = 0;
  int size = 1;
  std::chrono::duration<double> timeout = std::chrono::minutes(30);
  std::vector<int> names = {};  // what messages call the ranks; empty: as they are numbered here
};

// Memory that the ranks of a group have in common, and where they found each other.
struct Meeting {
  FileDescriptor memory;  // [slot_bytes, arena_bytes fix its layout]; zero at first
  size_t slot_bytes = 0;
  size_t arena_bytes = 0;       // a rank's part of the arena
  bool oversubscribed = false;  // more ranks than cores
  // Until confirm(): sockets to the other ranks, by rank; of ranks but 0, only the one to rank 0.
  std::vector<FileDescriptor> peers = {};
  Deadline deadline = Deadline(std::chrono::minutes(30));
  std::vector<int> names = {};  // as the member's
};

// The ranks of a group that share no memory; the same on every rank.
struct Apart {
  std::string name;        // new each time: for keys that no dead attempt left in the store
  std::vector<int> nodes;  // the node of each rank, from 0, in the order of their first ranks
};

// Lets the ranks of a group find each other by way of the store and gives all of them the same
// memory, where all of them can reach one another on this machine.
//
//   rank r                                    rank 0
//   ------                                    ------
//   set hello/r = nonce, room for an          waits for every hello; answers it again if it changes
//     arena, cores, place --------------->
//   connect, say the nonce  <------------     set welcome/r = both nonces, address of a socket
//   set ack/r = welcome/r  ------------->     waits until all have acknowledged
//   wait for the verdict  <--------------     "here" and sizes on the sockets of all, then the
//                                             descriptor; or "apart", and the nodes in verdict/r
//   map the memory, say "ready" -------->     confirm(): waits for all, or for the end of one
//   return from confirm()  <-------------     "go", or why not
//
// Nonces are random, so what a dead attempt left in the store is not taken for an answer. The
// place is boot id, network name space and user, or RINGTRAIN_NODE where that is set. The memory
// has no name and takes no room in /dev/shm.
//
// Collective. Throws a lost error that names the rank that did not come, or ended.
std::variant<Meeting, Apart> meet(const Store& store, const Member& member);

// Returns what messages call a rank.
int name_of(int rank, const std::vector<int>& names);

// Blocks until every rank has called it. Throws the same lost error on all ranks where one cannot.
void confirm(const Meeting& meeting, int rank, int size);

}  // namespace ringtrain::collectives
