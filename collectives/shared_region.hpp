// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "collectives/call.hpp"
#include "collectives/meeting.hpp"
#include "collectives/signal.hpp"

namespace ringtrain::collectives {

// Places in the memory of a group; a multiple of pages each:
//
//   | header | states of ranks | two slots a rank | a ring a pair | a part of the arena a rank |
class RegionLayout {
 public:
  static constexpr size_t kPage = 4096;
  static constexpr size_t kRingBytes = size_t{256}
                                       << 10;  // data of a ring, after a page of its own

  RegionLayout(int size, size_t slot_bytes, size_t arena_bytes);
  size_t state(int rank) const { return kPage * (1 + static_cast<size_t>(rank)); }
  size_t slot(int rank, int which) const;
  size_t ring(int from, int to) const;
  size_t arena(int rank) const { return arena_ + static_cast<size_t>(rank) * arena_bytes_; }
  size_t total() const { return arena(static_cast<int>(size_)); }

 private:
  size_t size_, slot_bytes_, arena_bytes_;
  size_t slots_, rings_, arena_;
};

// A rank as the others see it; all zero at first.
struct RankState {
  alignas(64) std::atomic<uint64_t> posted;    // rounds of collectives that it has entered
  alignas(64) std::atomic<uint64_t> finished;  // calls of collectives
  std::atomic<uint32_t> left;                  // it closed the group
  alignas(64) Signal mail;                // for it: a message, or room in a ring that it writes
  alignas(64) std::array<Call, 2> calls;  // the one with an even number, and the one with an odd
};

struct RegionHeader {
  std::atomic<uint32_t> broken;  // 0; 1 while the reason is written; 2
  alignas(64) Signal rounds;     // a rank has posted
  alignas(64) std::array<char, 2048> reason;
};

// Between two ranks, in one direction: bytes written and read since the start.
struct Ring {
  alignas(64) std::atomic<uint64_t> written;
  alignas(64) std::atomic<uint64_t> read;
};

// The memory of a group, mapped, and the group's health. A group that broke stays broken: every
// call of every rank throws the same lost error.
//
// Thread: any.
class SharedRegion {
 public:
  // Blocks until every rank has mapped the memory. Throws a lost error where this rank cannot, and
  // where another could not, has ended or does not come within the timeout that meet() had.
  SharedRegion(Meeting meeting, int rank, int size);
  ~SharedRegion();
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  // Returns what messages call a rank.
  int name_of(int rank) const { return collectives::name_of(rank, names_); }
  size_t slot_bytes() const { return slot_bytes_; }
  size_t arena_bytes() const { return arena_bytes_; }
  int spins() const { return spins_; }

  RegionHeader& header() const { return *reinterpret_cast<RegionHeader*>(base()); }
  RankState& state(int rank) const {
    return *reinterpret_cast<RankState*>(base() + layout_.state(rank));
  }
  std::byte* slot(int rank, int which) const { return base() + layout_.slot(rank, which); }
  Ring& ring(int from, int to) const {
    return *reinterpret_cast<Ring*>(base() + layout_.ring(from, to));
  }
  std::byte* ring_data(int from, int to) const {
    return base() + layout_.ring(from, to) + RegionLayout::kPage;
  }
  std::byte* arena(int rank) const { return base() + layout_.arena(rank); }

  // Returns whether the rank's process has ended or has closed the group: each holds a lock on a
  // byte of the file, which the kernel takes from a process that ends, however it ends.
  bool has_ended(int rank) const;

  // Returns false in a child that the rank's process forked: it has the memory and is no rank.
  bool is_ours() const;

  // Returns "ended" or "left the group", for messages about a rank that has_ended().
  const char* how_it_ended(int rank) const;

  // Throws the reason where the group is broken.
  void check() const {
    if (closed_.load() || header().broken.load() != 0) throw_reason();
  }

  // Makes this rank's calls fail, those that wait, too, and shows the others that it has left.
  void close();

  // Makes every rank fail with this reason, unless another came first; throws what holds.
  [[noreturn]] void break_group(const std::string& reason) const;

 private:
  struct Unmap {
    size_t bytes;
    void operator()(std::byte* memory) const;
  };

  std::byte* base() const { return memory_.get(); }
  void wake_all() const;
  [[noreturn]] void throw_reason() const;

  int rank_, size_;
  std::vector<int> names_;
  size_t slot_bytes_, arena_bytes_;
  int spins_;
  RegionLayout layout_;
  FileDescriptor file_;
  int process_;
  std::atomic<bool> closed_ = false;
  std::unique_ptr<std::byte, Unmap> memory_;
};

}  // namespace ringtrain::collectives
