// SPDX-License-Identifier: Apache-2.0
// Arrays of numbers as a source, for .npy and foreign HDF5 files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

// The type of a stored number. Sources deliver native (little-endian) order.
enum class NumberType { u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64 };
size_t size_of(NumberType type);

// An array whose first dimension counts rows, read once from front to back.
class ArraySource {
 public:
  virtual ~ArraySource() = default;
  const std::string& name() const { return name_; }
  NumberType type() const { return type_; }
  const std::vector<uint64_t>& dims() const { return dims_; }
  uint64_t rows() const { return dims_.front(); }
  // Returns the product of the other dimensions. Throws a data error if it is too large.
  uint64_t row_elements() const;
  uint64_t row_bytes() const { return row_elements() * size_of(type_); }
  // Reads the next `count` rows, [count, row_bytes()]. Throws a data error.
  virtual void read(std::byte* out, uint64_t count) = 0;
  // Throws a data error if anything follows the last row.
  virtual void expect_end() {}

 protected:
  std::string name_;
  NumberType type_ = NumberType::u8;
  std::vector<uint64_t> dims_;
};

enum class ChannelOrder { automatic, first, last };

// The contents of the arrays y. one_hot: a column a class, one 1 in each row. automatic: one-hot
// rows are classes, other floats targets, other whole numbers classes.
enum class Answers { automatic, classes, targets, one_hot };

struct ArraySources {
  ArraySource* train_x = nullptr;
  ArraySource* train_y = nullptr;
  ArraySource* test_x = nullptr;  // both or none
  ArraySource* test_y = nullptr;
  double test_share = 0.1;  // of the training rows, drawn by seed, without test arrays; 0: none
  ChannelOrder channels = ChannelOrder::automatic;
  Answers answers = Answers::automatic;
  std::vector<std::string> target_names = {};  // none: "y", or "y0", "y1" and so on
  bool floats = false;                         // samples of 32 and 64-bit whole numbers become f32
};

// Imports features of two to four dimensions ([rows, features]: see table_shape(); [rows, height,
// width], with channels before or after); u8 stays u8, whole numbers of 32 and 64 bits become i64,
// every other type f32. Labels are whole numbers, one per row, or one-hot, [rows, classes]; targets
// are [rows] or [rows, targets]. Throws a data error.
DatasetIndex import_arrays(const ArraySources& given, const std::filesystem::path& destination,
                           const ImportOptions& options);

}  // namespace ringtrain::datasets
