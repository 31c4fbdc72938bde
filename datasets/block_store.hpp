// SPDX-License-Identifier: Apache-2.0
// The blocks of one split as seen by a Reader: mapped, or fetched ahead.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "datasets/file.hpp"
#include "datasets/plan.hpp"

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
  // That no file has changed its size since the plan was made. Throws DataError.
  void check_sizes() const;
  const Plan& plan() const { return plan_; }
  Split split() const { return split_; }
  const std::vector<File>& files() const { return files_; }

 private:
  const Plan plan_;
  Split split_;
  std::vector<File> files_;
  std::vector<std::atomic<bool>> checked_;
};

// All blocks mapped. One thread.
class MappedBlocks {
 public:
  explicit MappedBlocks(BlockFiles& files);
  BlockView view(uint64_t block);

 private:
  BlockFiles& files_;
  std::vector<Mapping> mappings_;
};

// A block on its way from the disk, or arrived.
struct FetchedBlock {
  uint64_t block = 0;
  std::unique_ptr<std::byte[], void (*)(void*)> bytes{nullptr, nullptr};  // x, then y; page-aligned
  BlockView view;
  bool done = false;
  std::exception_ptr error;
};

// Reads blocks with several threads, so that several requests are at the disk at once. fetch(),
// wait() and recycle() belong to one thread.
class BlockFetcher {
 public:
  BlockFetcher(BlockFiles& files, int threads);
  BlockFetcher(const BlockFetcher&) = delete;
  BlockFetcher& operator=(const BlockFetcher&) = delete;
  ~BlockFetcher();

  std::unique_ptr<FetchedBlock> fetch(uint64_t block);
  // Until the block has arrived; rethrows what went wrong on the way.
  void wait(FetchedBlock& block);
  // Gives the buffer back for the next fetch.
  void recycle(std::unique_ptr<FetchedBlock> block);
  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  void work();
  void read(FetchedBlock& block);

  BlockFiles& files_;
  uint64_t largest_rows_;
  std::vector<std::unique_ptr<FetchedBlock>> spare_;
  std::atomic<uint64_t> bytes_read_ = 0;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable arrived_;
  std::deque<FetchedBlock*> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ringtrain::datasets
