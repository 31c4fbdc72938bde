// SPDX-License-Identifier: Apache-2.0
// Delivers a rank's part of every global batch of an epoch, in the order of order.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "datasets/format/plan.hpp"
#include "datasets/reading/order.hpp"

namespace ringtrain::datasets {

// Where the rows come from.
enum class Tier {
  automatic,    // in_memory when the dataset takes at most half of the memory that is free, else
                // out_of_core
  in_memory,    // the node's page cache holds all rows, once for all its ranks
  out_of_core,  // blocks are brought into the page cache before they are needed
};

struct ReaderOptions {
  int rank = 0;
  int world_size = 1;
  uint64_t batch_size = 0;  // global: over all ranks
  uint64_t seed = 0;
  bool shuffle = true;
  Tier tier = Tier::automatic;
  // Batches assembled ahead by a thread of the reader. 0: next() assembles the batch itself, which
  // is best where cores are scarce.
  int batches_ahead = 0;
  // Out of core: blocks that are requested from the disk before they are needed.
  int blocks_in_flight = 32;
  // Batch::x holds the rows one after the other. Without it rows are not copied: Batch::samples
  // points into the mapped file, and who converts them to floats reads them there.
  bool contiguous = true;
};

// This rank's part of one global batch.
struct Batch {
  uint64_t first_position = 0;  // in the epoch, of this rank's first row
  uint64_t global_first = 0;    // in the epoch, of the global batch
  uint64_t global_rows = 0;     // of the global batch: the last of an epoch may be short
  uint32_t rows = 0;  // of this rank; 0 when the global batch has fewer rows than there are ranks
  // [rows, channels, height, width] elements; nullptr unless contiguous.
  const std::byte* x = nullptr;
  // [rows]: the first byte of each, in x or elsewhere; aligned as its elements.
  const std::byte* const* samples = nullptr;
  const int64_t* y = nullptr;         // [rows]
  const uint64_t* row_ids = nullptr;  // [rows], in the split
};

// Usage: start(epoch), then next() until it returns nullptr; again for the next epoch. One thread
// calls. Every block is checked against its checksum when it is read for the first time; damage is
// a data error from next(), which names file and rows. After an exception only the destructor may
// follow.
class Reader {
 public:
  // Opens the files of the plan. Throws a data error when one is missing or has another size.
  Reader(const Plan& plan, Split split, const ReaderOptions& options);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  // Begins an epoch at a position, which is what a resumed job has consumed of it: the start of a
  // global batch or the end of the epoch. An epoch in progress is dropped.
  void start(uint64_t epoch, uint64_t first_position = 0);

  // The next batch, valid until the next call; nullptr at the end of the epoch.
  const Batch* next();

  // Time that next() took altogether: what training lost to data.
  double waited_seconds() const;
  // Sum mod 2^64 of OrderTerms over all rows that next() delivered. Summed over the ranks it
  // tells whether two runs saw the same samples at the same positions, whatever the number of
  // ranks.
  uint64_t order_hash() const;
  // Bytes of rows and labels asked of the files so far; 0 in memory.
  uint64_t bytes_read() const;
  Tier tier() const;
  // For the log: "in memory, mapped: 47.1 MB of rows".
  std::string describe() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrain::datasets
