// SPDX-License-Identifier: Apache-2.0
// Delivers a rank's slice of every global batch of an epoch, in the order of order.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "datasets/format/dataset_index.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::datasets {

// The memory that holds the rows while an epoch is read.
enum class Tier {
  automatic,    // in_memory if the dataset takes at most half of the free memory, else out_of_core
  in_memory,    // the node's page cache holds all rows, once for all its ranks
  out_of_core,  // blocks are brought into the page cache before they are needed
};

struct ReaderOptions {
  int rank = 0;
  int world_size = 1;
  uint64_t batch_size = 0;  // global: over all ranks
  uint64_t rows = 0;        // reads the first so many rows of the split; 0: all
  uint64_t seed = 0;
  bool shuffle = true;
  Tier tier = Tier::automatic;
  // Out of core: blocks that are requested from the disk before they are needed.
  int blocks_in_flight = 32;
  // Copies the rows of a batch one after the other into Batch::x. Without it rows stay where they
  // are: Batch::samples points into the mapped file.
  bool contiguous = true;
  // A batch is valid until next() was called this many times more: a GPU may still copy it.
  int kept = 1;
  // For a dataset at a URL, whose rows are always copied.
  storage::CacheOptions cache = {};
  // Returns memory for Batch::x, aligned to a cache line. Empty: plain memory.
  std::function<std::shared_ptr<std::byte[]>(size_t bytes)> allocate = {};
};

// A rank's slice of one global batch.
struct Batch {
  uint64_t first_position = 0;  // in the epoch, of this rank's first row
  uint64_t global_first = 0;    // in the epoch, of the global batch
  uint64_t global_rows = 0;     // of the global batch: the last of an epoch may be short
  uint32_t rows = 0;  // of this rank; 0 if the global batch has fewer rows than there are ranks
  // Elements [rows, channels, height, width]; nullptr unless contiguous.
  const std::byte* x = nullptr;
  // [rows]: the first byte of each row, in x or elsewhere; aligned as its elements.
  const std::byte* const* samples = nullptr;
  const int64_t* y = nullptr;      // labels [rows]; nullptr with targets
  const float* targets = nullptr;  // [rows, targets]; nullptr with labels
};

// Usage: start(epoch), then next() until it returns nullptr; again for the next epoch. Every block
// is checked against its checksum when it is first read; damage is a data error from next(), which
// names file and rows. After an exception only the destructor may follow.
// Thread: one thread calls.
class Reader {
 public:
  // Opens the shards of the dataset. Throws a data error if one is missing or has another size.
  Reader(const DatasetIndex& index, Split split, const ReaderOptions& options);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  // Begins an epoch at a position: the samples of it that a resumed job has consumed. Drops an
  // epoch in progress.
  // Requires: the position is the start of a global batch or the end of the epoch.
  void start(uint64_t epoch, uint64_t first_position = 0);

  // Returns the next batch, valid as ReaderOptions::kept says; nullptr at the end of the epoch.
  const Batch* next();

  // Returns the time spent in next() so far: the time that training lost to data.
  double waited_seconds() const;
  // Returns the sum mod 2^64 of OrderTerms over all rows delivered. Summed over the ranks it shows
  // whether two runs saw the same samples at the same positions, for any number of ranks.
  uint64_t order_hash() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrain::datasets
