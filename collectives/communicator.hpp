// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collectives/call.hpp"
#include "collectives/shared_region.hpp"

namespace ringtrain::collectives {

// Elements of one rank in a row.
struct Elements {
  std::byte* data = nullptr;
  size_t count = 0;
  ElementType type = ElementType::raw;
  size_t bytes() const { return count * size_of(type); }
};

struct Reduce {
  Reduction how = Reduction::sum;
  double factor = 1;  // this rank's, of a scaled sum
};

// The collectives of c10d, and their names, among the ranks of one machine.
//
// Data that lies in the arena (arena.hpp) on every rank is read where it lies. Other data passes
// through slots, piece by piece: a rank writes a piece to its slot, waits until all have, and reads
// the others' slots. No second wait is needed: pieces alternate between two slots, and no rank is
// two pieces ahead of a reader.
//
// The ranks compare their calls in the first wait. Where two differ, as where a rank has ended or
// does not come within the timeout, the group breaks: every rank gets the same lost error, which
// names the ranks and their calls, from this call and from all later ones.
//
// Requires: Elements of all ranks have the same count and type, but for all_to_all.
// Thread: one thread of a rank at a time.
class Communicator {
 public:
  using Timeout = std::chrono::duration<double>;

  explicit Communicator(std::shared_ptr<SharedRegion> region);

  int rank() const { return rank_; }
  int size() const { return size_; }

  // Replaces the elements by their reduction: the same bits on every rank.
  void all_reduce(const Elements& data, Reduce reduce, Timeout timeout);
  // Writes the reduction to the root's elements; those of other ranks stay.
  void reduce(const Elements& data, Reduce reduce, int root, Timeout timeout);
  // from: one for each rank. Writes the reduction of all ranks' from[rank()] to `to`.
  void reduce_scatter(std::span<const Elements> from, const Elements& to, Reduce reduce,
                      Timeout timeout);
  void broadcast(const Elements& data, int root, Timeout timeout);
  // to: one for each rank; on the root alone for gather(), from on the root alone for scatter().
  void all_gather(const Elements& mine, std::span<const Elements> to, Timeout timeout);
  void gather(const Elements& mine, std::span<const Elements> to, int root, Timeout timeout);
  void scatter(std::span<const Elements> from, const Elements& mine, int root, Timeout timeout);
  // Both: one for each rank; any counts, as long as one rank sends what the other expects.
  void all_to_all(std::span<const Elements> send, std::span<const Elements> receive,
                  Timeout timeout);
  void barrier(Timeout timeout);

  // Returns the ranks that have not come to this rank's last call, once it has failed.
  std::vector<int> missing() const;

  // Returns one line a rank: its last call, and whether that is finished. Any thread.
  std::vector<std::string> flight() const;

 private:
  struct Piece {
    size_t begin, count;
  };

  Call begin(Timeout timeout, Operation operation, const Elements& data, int root = Call::kNoRoot,
             Reduce reduce = {});
  void finish(const Call& call);
  void post_and_wait(const Call& call);
  void compare(const Call& call) const;
  [[noreturn]] void fail_late(const Call& call) const;
  void check_ended(const Call& call) const;
  std::string last_call(int rank) const;

  // Calls fill(piece, own slot), waits for all ranks, and calls read(piece, slots); for each piece
  // of `count` elements, of which `at_most` fit a slot, and at least once.
  template <class Fill, class Read>
  void pass(const Call& call, size_t count, size_t at_most, const Fill& fill, const Read& read);
  // The same where a slot holds a piece of the rank's own data.
  template <class Read>
  void pass_whole(const Call& call, const Elements& data, const Read& read);
  // Reads all ranks' data where it lies in the arena; returns false where it does not.
  template <class Read>
  bool in_place(const Call& call, const Read& read);
  // Reads the ranks' factors, and places in the arena; returns whether any has one.
  bool learn_places(const Call& call);
  // Returns the bytes of the largest part.
  size_t exchange_sizes(const Call& call, std::span<const Elements> send,
                        std::span<const Elements> receive);
  size_t part_bytes() const;

  std::shared_ptr<SharedRegion> region_;
  int rank_, size_;
  Timeout timeout_ = {};   // the present call's
  uint64_t round_ = 0;     // the last one posted
  uint64_t number_ = 0;    // calls begun
  bool compared_ = false;  // whether the present call was
  std::vector<const std::byte*> slots_;
  std::vector<const std::byte*> places_;  // data that lies in the arena
  std::vector<double> factors_;
};

}  // namespace ringtrain::collectives
