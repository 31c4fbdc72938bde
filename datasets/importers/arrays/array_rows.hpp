// SPDX-License-Identifier: Apache-2.0
// How the rows of an array become samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datasets/importers/arrays/array_source.hpp"

namespace ringtrain::datasets {

// The order of elements in a source row, and the shape [channels, height, width] that they become.
struct Arrangement {
  Shape shape;
  bool channels_last = false;
};

// Reads an array's dimensions. Throws a data error if they are none of samples.
Arrangement arrange(const ArraySource& x, ChannelOrder order);

// Returns the type that numbers are stored as. floats: the user wants whole numbers as floats.
ElementType element_for(NumberType type, bool floats);

// Reorders and converts one row.
class RowConverter {
 public:
  RowConverter(const ArraySource& source, const Arrangement& arrangement, ElementType element);

  // Returns the sample, which is `in` where it needs no change, else valid until the next call.
  // row: its number, for messages.
  const std::byte* operator()(const std::byte* in, uint64_t row);

 private:
  std::string name_;
  NumberType type_;
  ElementType element_;
  Arrangement arrangement_;
  std::vector<std::byte> row_;
};

// Returns the first `rows` rows of an array, whatever follows them. Requires: the array outlives
// it, and has as many.
std::unique_ptr<ArraySource> first_rows(ArraySource& whole, uint64_t rows);

}  // namespace ringtrain::datasets
