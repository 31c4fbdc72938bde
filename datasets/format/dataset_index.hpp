// SPDX-License-Identifier: Apache-2.0
// The index of a dataset: all that a rank needs to read it without libhdf5. Made once from the
// file, or from a directory of shards, checked, and sent to the other ranks as bytes.
//
//   shard   a file of the dataset; most datasets have one
//   split   the training rows or the test rows
//   block   block_rows consecutive rows: the unit of reading, of checksums and of the shuffle
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::datasets {

// i64: whole numbers, such as tokens, that a model gets as they are: mean is 0, std 1.
enum class ElementType { u8, f32, i64 };
size_t size_of(ElementType element);
std::string_view name_of(ElementType element);  // "u8", "f32", "i64"

enum class Split { train, test };
std::string_view name_of(Split split);  // "train", "test"

// The shape of one sample.
struct Shape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t elements() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

// The numbers that a model is to predict for each row, in place of a label. Vectors: [targets].
struct Targets {
  std::vector<std::string> names;  // without doubles
  std::vector<float> mean;         // over the training rows
  std::vector<float> std;          // the same, positive
  std::vector<float> least;        // over all rows
  std::vector<float> largest;
  bool operator==(const Targets&) const = default;
};

// Consecutive rows of a split that lie in one shard.
struct Piece {
  uint32_t shard = 0;      // index into DatasetIndex::shards
  uint64_t first_row = 0;  // in the split; a multiple of block_rows
  uint64_t rows = 0;
  uint64_t x_offset = 0;  // bytes from the start of the file
  uint64_t y_offset = 0;
  std::vector<uint32_t> x_crc32c;  // one per block, the last of which may be short
  std::vector<uint32_t> y_crc32c;
  bool operator==(const Piece&) const = default;
};

struct SplitIndex {
  uint64_t rows = 0;
  std::vector<Piece> pieces;  // in the order of their rows, without gaps
  bool operator==(const SplitIndex&) const = default;
};

struct Shard {
  std::string path;  // absolute; or a URL
  uint64_t size = 0;
  std::string etag = {};  // of a URL: the version that all ranks read
  bool operator==(const Shard&) const = default;
};

struct DatasetIndex {
  std::string uuid;
  ElementType element = ElementType::u8;
  Shape shape;
  // Per channel, over the training rows. u8: of x / 255, so normalised = (x / 255 - mean) / std;
  // f32: of x.
  std::vector<float> mean;
  std::vector<float> std;
  std::vector<std::string> class_names;  // a label is an index into them; empty with targets
  Targets targets;                       // empty with labels
  std::string source;                    // what it was imported from, for people
  std::string source_sha256;             // lower-case hexadecimal; empty when unknown
  uint64_t shuffle_seed = 0;             // of the shuffle at import
  uint64_t block_rows = 0;
  std::vector<Shard> shards;
  SplitIndex train;
  SplitIndex test;
  // Position of a shard that is opened alone. 0 of 1 for a whole dataset.
  uint32_t shard_index = 0;
  uint32_t shard_count = 1;

  const SplitIndex& split(Split split) const { return split == Split::train ? train : test; }
  SplitIndex& split(Split split) { return split == Split::train ? train : test; }
  bool has_targets() const { return !targets.names.empty(); }
  uint64_t row_bytes() const { return static_cast<uint64_t>(shape.elements()) * size_of(element); }
  // Bytes of a row's label, int64, or of its targets, f32 each.
  uint64_t y_bytes() const {
    return has_targets() ? targets.names.size() * sizeof(float) : sizeof(int64_t);
  }
  // Bytes of the features, and of the labels or targets, of a split.
  uint64_t bytes(Split which) const { return split(which).rows * (row_bytes() + y_bytes()); }
  uint64_t blocks(Split which) const { return (split(which).rows + block_rows - 1) / block_rows; }
  bool operator==(const DatasetIndex&) const = default;
};

// Position of a shard's rows in the whole dataset, by split.
struct ShardPlace {
  std::array<uint64_t, 2> first_row = {0, 0};
  std::array<uint64_t, 2> total_rows = {0, 0};
};

// Converts an index to bytes and back. deserialise() throws a data error.
std::string serialise(const DatasetIndex& index);
DatasetIndex deserialise(std::string_view bytes);

}  // namespace ringtrain::datasets
