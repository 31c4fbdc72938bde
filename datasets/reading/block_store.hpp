// SPDX-License-Identifier: Apache-2.0
// The blocks of one split as seen by a Reader: mapped, and read ahead where they are not in memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "datasets/format/plan.hpp"

namespace ringtrain::datasets {

// A block of rows in memory.
struct BlockView {
  const std::byte* x = nullptr;  // [rows, row_bytes]
  const std::byte* y = nullptr;  // [rows] int64, not necessarily aligned
};

// Where a block lies in the files.
struct BlockPlace {
  const Piece* piece = nullptr;
  uint64_t index = 0;  // within the piece
  uint64_t rows = 0;
  uint64_t x_offset = 0;
  uint64_t y_offset = 0;
};

// Opened files of a plan, and which of a split's blocks have been checked. Any thread may use it.
class BlockFiles {
 public:
  BlockFiles(const Plan& plan, Split split);

  BlockPlace place(uint64_t block) const;
  const File& file(const BlockPlace& place) const { return files_[place.piece->file]; }
  // Checks a block the first time it is seen.
  void check(uint64_t block, const BlockPlace& place, const BlockView& view);
  // That no file has changed its size since the plan was made. Throws a data error.
  void check_sizes() const;
  uint64_t blocks() const { return checked_.size(); }
  const Plan& plan() const { return plan_; }
  Split split() const { return split_; }
  const std::vector<File>& files() const { return files_; }

 private:
  const Plan plan_;
  Split split_;
  std::vector<File> files_;
  std::vector<std::atomic<bool>> checked_;
};

// All blocks mapped: rows are copied once, from the page cache to where they are wanted, where
// pread would copy them to a block's buffer first. Any thread may use it.
class MappedBlocks {
 public:
  enum class Access {
    whole,   // all of the files fit in memory: the kernel is asked to read them now
    blocks,  // by block: nothing is read that no block asks for
  };
  MappedBlocks(BlockFiles& files, Access access);

  // Waits for the disk where the block is not in memory yet. Throws a data error for a block that
  // is damaged or cannot be read.
  BlockView view(uint64_t block);

 private:
  void make_present(const BlockPlace& place, const BlockView& view);
  // Maps the files anew: pages that are mapped take page tables, 2 MiB for every GiB.
  void start_over();

  BlockFiles& files_;
  Access access_;
  std::vector<Mapping> mappings_;
  // The round in which a block's pages were made present; a new round begins with start_over().
  std::vector<std::atomic<uint32_t>> present_;
  std::atomic<uint32_t> round_ = 1;
  std::atomic<uint64_t> mapped_bytes_ = 0;
};

// Asks the kernel for blocks before they are needed. request() belongs to one thread and returns at
// once; a thread of this object makes the calls, since each allocates the block's pages.
class ReadAhead {
 public:
  explicit ReadAhead(const BlockFiles& files);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  void request(uint64_t block);
  void forget();  // what was requested and is not on its way yet
  // Of rows and labels, requested so far.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void work();

  const BlockFiles& files_;
  std::atomic<uint64_t> bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<uint64_t> queue_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace ringtrain::datasets
