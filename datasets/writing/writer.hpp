// SPDX-License-Identifier: Apache-2.0
// Writes a ringtrain HDF5 dataset, all or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// The figures that must be known before the first row.
struct NewDataset {
  ElementType element = ElementType::u8;
  Shape shape;
  uint64_t train_rows = 0;  // at least 1
  uint64_t test_rows = 0;
  std::string source;
  uint64_t shuffle_seed = 0;  // layout::kSourceOrder: rows are stored in the order of the source
  uint64_t block_rows = 0;    // 0: blocks of 256 to 512 KiB
  // Names of the targets, without doubles; empty: rows have labels of classes.
  std::vector<std::string> target_names = {};
  // Given figures to normalise by, each one value or one a channel; empty: those of the training
  // rows. u8: of x / 255. Positive std.
  std::vector<float> mean = {};
  std::vector<float> std = {};
};

// Usage: construct, put() every row once in any order, finish(). Until finish() has returned there
// is only a temporary file beside the destination, which the destructor removes. Rows go to their
// shuffled places as they come, so memory holds 12 bytes per row (with targets, 12 and
// 4 for each) and no rows.
class Writer {
 public:
  // Makes the folders of the destination. Throws a data error if the figures are impossible, an io
  // error if the file cannot be created.
  Writer(const std::filesystem::path& destination, const NewDataset& dataset);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  // Writes row number `row` of the source: x is [channels, height, width] elements, little-endian.
  // Thread: any thread may call it, for different rows.
  void put(Split split, uint64_t row, const std::byte* x, int64_t label);
  // The same with a value for each target. Throws a data error if one is not finite.
  void put(Split split, uint64_t row, const std::byte* x, std::span<const float> targets);

  // Leaves a row out, instead of put(): a broken image. finish() then writes the rows that are left
  // to a second temporary file.
  void drop(Split split, uint64_t row);

  // Sets the class names; the index of a name is its label. Requires: before finish().
  void set_class_names(std::vector<std::string> names);
  void set_source_sha256(std::string sha256);

  // Writes labels or targets, and checksums, flushes to disk, reopens and checks every byte,
  // renames. Throws a data error if a row was never put, a label has no class name, or the check
  // fails.
  DatasetIndex finish(const Progress& progress = {});

 private:
  void put_x(Split split, uint64_t place, const std::byte* x);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrain::datasets
