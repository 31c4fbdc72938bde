// SPDX-License-Identifier: Apache-2.0
// The blocks of one split: in the shards, read into a buffer, mapped, or read ahead.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "datasets/format/dataset_index.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::datasets {

// A block of rows in memory.
struct BlockView {
  const std::byte* x = nullptr;  // [rows, row_bytes]
  // [rows, y_bytes]: int64 labels or f32 targets, not necessarily aligned.
  const std::byte* y = nullptr;
};

// Position of a block in the shards.
struct BlockPlace {
  const Piece* piece = nullptr;
  uint64_t index = 0;  // within the piece
  uint64_t rows = 0;
  uint64_t x_offset = 0;
  uint64_t y_offset = 0;
};

// The open shards of a dataset, and which of a split's blocks have been checked.
// Thread: any thread may use it.
class BlockFiles {
 public:
  // cache: for shards at URLs, which are sparse files here.
  BlockFiles(const DatasetIndex& index, Split split, const storage::CacheOptions& cache = {});

  BlockPlace place(uint64_t block) const;
  const File& file(const BlockPlace& place) const { return files_[place.piece->shard]; }
  const std::string& name(const BlockPlace& place) const;

  // Whether blocks must be held while they are read; a block of a local file always is.
  bool is_remote() const { return !remote_.empty(); }
  // Has a block fetched that will be held soon.
  void want(const BlockPlace& place) const;
  // Blocks until a block is in its file, and keeps it there until drop().
  void hold(const BlockPlace& place);
  void drop(const BlockPlace& place) const;
  // Takes back what was wanted and not held.
  void forget() const;

  // Checks a block the first time it is seen; one that was fetched each time.
  void check(uint64_t block, const BlockPlace& place, const BlockView& view);
  // Throws a data error if a file has changed its size since the index was made.
  void check_sizes() const;
  uint64_t blocks() const { return checked_.size(); }
  const DatasetIndex& index() const { return index_; }
  Split split() const { return split_; }
  const std::vector<File>& files() const { return files_; }

 private:
  storage::Range x_range(const BlockPlace& place) const;
  storage::Range y_range(const BlockPlace& place) const;
  bool keeps_all_y(const Piece& piece) const;
  const storage::CachedObject& remote(const BlockPlace& place) const;

  const DatasetIndex index_;
  Split split_;
  std::vector<File> files_;
  std::vector<std::unique_ptr<storage::CachedObject>> remote_;  // by shard; empty: none is
  std::vector<std::atomic<bool>> y_held_;                       // by piece
  std::vector<std::atomic<bool>> checked_;
};

// Reads blocks one at a time into a buffer of its own.
class BlockBuffer {
 public:
  explicit BlockBuffer(BlockFiles& files);
  // Reads and checks a block. Ensures: the view is valid until the next call.
  BlockView read(uint64_t block);

 private:
  BlockFiles& files_;
  std::vector<std::byte> x_;
  std::vector<std::byte> y_;
};

// All blocks mapped: rows are copied once, from the page cache to their destination; pread would
// copy them to a block's buffer first.
// Thread: any thread may use it.
class MappedBlocks {
 public:
  enum class Access {
    whole,   // all shards fit in memory: the kernel is asked to read them now
    blocks,  // nothing is read but the blocks that are asked for
  };
  MappedBlocks(BlockFiles& files, Access access);

  // Waits for the disk if the block is not in memory yet; for the network if its shard is at a URL.
  // Such a block stays until drop(). Throws a data error for a block that is damaged or cannot be
  // read.
  BlockView view(uint64_t block);
  void drop(uint64_t block) { files_.drop(files_.place(block)); }

 private:
  void make_present(const BlockPlace& place, const BlockView& view);
  // Maps the shards again: mapped pages take page tables, 2 MiB for every GiB.
  void start_over();

  BlockFiles& files_;
  Access access_;
  std::vector<Mapping> mappings_;
  // The round in which a block's pages were made present; a new round begins with start_over().
  std::vector<std::atomic<uint32_t>> present_;
  std::atomic<uint32_t> round_ = 1;
  std::atomic<uint64_t> mapped_bytes_ = 0;
};

// Requests blocks from the kernel before they are needed.
// Thread: request() and forget() belong to one thread and return at once; a thread of this object
// makes the calls, since each allocates the block's pages.
class ReadAhead {
 public:
  explicit ReadAhead(const BlockFiles& files);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  void request(uint64_t block);
  // Drops the requests that are not on their way yet.
  void forget();

 private:
  void work();

  const BlockFiles& files_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<uint64_t> queue_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace ringtrain::datasets
