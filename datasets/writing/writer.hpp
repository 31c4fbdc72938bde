// SPDX-License-Identifier: Apache-2.0
// Writes a ringtrain HDF5 dataset, all or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// What must be known before the first row.
struct NewDataset {
  Element element = Element::u8;
  Shape shape;
  uint64_t train_rows = 0;  // at least 1
  uint64_t test_rows = 0;
  std::string source;
  uint64_t shuffle_seed = 0;
  uint64_t block_rows = 0;  // 0: blocks of 256 to 512 KiB
};

// Usage: construct, put() every row once in any order, finish(). Until finish() has returned there
// is only a temporary file beside the destination, which the destructor removes. Rows are scattered
// to their shuffled places as they come, so memory holds 12 bytes per row and no rows.
class Writer {
 public:
  // Makes the folders of the destination. Throws a data error when the file cannot be created or
  // the numbers make no sense.
  Writer(const std::filesystem::path& destination, const NewDataset& dataset);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  // Row number `row` of the source: x is [channels, height, width] elements, little-endian. Several
  // threads may call it at once for different rows.
  void put(Split split, uint64_t row, const std::byte* x, int64_t label);

  // Instead of put(): the row turned out not to exist (a broken image). finish() then writes the
  // rows that are left to a second temporary file.
  void drop(Split split, uint64_t row);

  // The index of a name is its label. Set before finish().
  void set_class_names(std::vector<std::string> names);
  void set_source_sha256(std::string sha256);

  // Writes what remains, flushes to disk, reopens and checks every byte, renames. Throws a data
  // error when a row was never put, a label has no class name, or the check fails.
  Plan finish(const Progress& progress = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The rows of a block of 256 to 512 KiB: large enough that a disk reads it at full speed, small
// enough that a rank holds dozens.
uint64_t default_block_rows(uint64_t row_bytes);

}  // namespace ringtrain::datasets
