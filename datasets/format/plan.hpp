// SPDX-License-Identifier: Apache-2.0
// All that a rank needs to know to read a dataset without libhdf5: made once from the file (or a
// directory of part files), checked, and sent to the other ranks as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::datasets {

enum class Element { u8, f32 };
size_t size_of(Element element);
std::string_view name_of(Element element);  // "u8", "f32"

enum class Split { train, test };
std::string_view name_of(Split split);  // "train", "test"

// Of one sample.
struct Shape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t elements() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

// Consecutive rows that lie in one file.
struct Piece {
  uint32_t file = 0;       // index into Plan::files
  uint64_t first_row = 0;  // in the split; a multiple of block_rows
  uint64_t rows = 0;
  uint64_t x_offset = 0;  // bytes from the start of the file
  uint64_t y_offset = 0;
  std::vector<uint32_t> x_crc32c;  // one per block of block_rows rows, the last block may be short
  std::vector<uint32_t> y_crc32c;
  bool operator==(const Piece&) const = default;
};

// The training or the test rows.
struct Part {
  uint64_t rows = 0;
  std::vector<Piece> pieces;  // in the order of their rows, without gaps
  bool operator==(const Part&) const = default;
};

struct DataFile {
  std::string path;  // absolute
  uint64_t size = 0;
  bool operator==(const DataFile&) const = default;
};

struct Plan {
  std::string uuid;
  Element element = Element::u8;
  Shape shape;
  // Per channel, over the training rows. u8: of x / 255, so normalised = (x / 255 - mean) / std;
  // f32: of x.
  std::vector<float> mean;
  std::vector<float> std;
  std::vector<std::string> class_names;  // a label is an index into them
  std::string source;                    // what it was imported from, for people
  std::string source_sha256;             // lower-case hexadecimal; empty when unknown
  uint64_t shuffle_seed = 0;             // of the shuffle at import
  uint64_t block_rows = 0;  // rows per block: the unit of reading, of CRCs and of the shuffle
  std::vector<DataFile> files;
  Part train;
  Part test;
  // Of a part file opened alone: which one of how many. 0 of 1 for a whole dataset.
  uint32_t part_index = 0;
  uint32_t part_count = 1;

  const Part& part(Split split) const { return split == Split::train ? train : test; }
  uint64_t row_bytes() const { return static_cast<uint64_t>(shape.elements()) * size_of(element); }
  uint64_t bytes(Split split) const { return part(split).rows * (row_bytes() + sizeof(int64_t)); }
  bool operator==(const Plan&) const = default;
};

// To bytes and back, for sending to other ranks. deserialise throws a data error when it cannot be
// read.
std::string serialise(const Plan& plan);
Plan deserialise(std::string_view bytes);

}  // namespace ringtrain::datasets
