// SPDX-License-Identifier: Apache-2.0
// Small datasets and files for the tests of datasets/.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/writing/writer.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::datasets::testing {

// The content of source row `row`: no other row has the same bytes.
inline std::vector<std::byte> row_bytes(const Shape& shape, ElementType element, uint64_t row) {
  std::vector<std::byte> bytes(static_cast<size_t>(shape.elements()) * size_of(element));
  if (element == ElementType::u8) {
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(mix(row, i));
  } else if (element == ElementType::i64) {
    auto* values = reinterpret_cast<int64_t*>(bytes.data());
    for (int64_t i = 0; i < shape.elements(); ++i) {
      values[i] = static_cast<int64_t>(mix(row, static_cast<uint64_t>(i)));
    }
  } else {
    auto* values = reinterpret_cast<float*>(bytes.data());
    for (int64_t i = 0; i < shape.elements(); ++i) {
      values[i] = static_cast<float>(mix(row, static_cast<uint64_t>(i)) % 2001) / 100 - 10;
    }
  }
  return bytes;
}
// The targets of a source row: the first is 0 or 1, the others spread further and further.
inline std::vector<float> row_targets(uint64_t row, uint64_t count) {
  std::vector<float> targets;
  for (uint64_t k = 0; k < count; ++k) {
    const uint64_t drawn = mix(row, 1000 + k);
    targets.push_back(k == 0 ? static_cast<float>(drawn % 2)
                             : static_cast<float>(drawn % 1000) * static_cast<float>(k) + 50);
  }
  return targets;
}
inline int64_t row_label(uint64_t row) { return static_cast<int64_t>(row % 10); }

struct Sizes {
  uint64_t train_rows = 1000;
  uint64_t test_rows = 130;
  uint64_t block_rows = 64;
  Shape shape = {1, 4, 5};
  ElementType element = ElementType::u8;
  uint64_t targets = 0;  // 0: labels
};

inline DatasetIndex write_dataset(const std::filesystem::path& path, const Sizes& sizes = {}) {
  NewDataset dataset;
  dataset.element = sizes.element;
  dataset.shape = sizes.shape;
  dataset.train_rows = sizes.train_rows;
  dataset.test_rows = sizes.test_rows;
  dataset.block_rows = sizes.block_rows;
  dataset.shuffle_seed = 7;
  dataset.source = "test rows";
  for (uint64_t k = 0; k < sizes.targets; ++k) {
    dataset.target_names.push_back("t" + std::to_string(k));
  }
  Writer writer(path, dataset);
  const auto put = [&](Split split, uint64_t place, uint64_t row) {
    const auto x = row_bytes(sizes.shape, sizes.element, row);
    if (sizes.targets > 0) {
      writer.put(split, place, x.data(), row_targets(row, sizes.targets));
    } else {
      writer.put(split, place, x.data(), row_label(row));
    }
  };
  for (uint64_t i = 0; i < sizes.train_rows; ++i) put(Split::train, i, i);
  for (uint64_t i = 0; i < sizes.test_rows; ++i) put(Split::test, i, 1000000 + i);
  if (sizes.targets > 0) return writer.finish();
  writer.set_class_names(
      {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"});
  return writer.finish();
}

// Finds rows of a dataset of write_dataset() by their contents.
class RowFinder {
 public:
  explicit RowFinder(const DatasetIndex& index) : row_bytes_(index.row_bytes()) {
    const Permutation shuffle(index.train.rows, mix(index.shuffle_seed, 0));
    for (uint64_t i = 0; i < index.train.rows; ++i) {
      rows_.emplace(row_bytes(index.shape, index.element, i), shuffle(i));
    }
  }
  // Returns the row of the training split that has the bytes at x.
  uint64_t operator()(const std::byte* x) const { return rows_.at({x, x + row_bytes_}); }

 private:
  uint64_t row_bytes_;
  std::map<std::vector<std::byte>, uint64_t> rows_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Returns the message of the data error that `action` throws; empty if it throws none.
template <typename Action>
std::string data_refusal(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    // A message that begins with an option is about the command line, not about data.
    const std::string message = error.what();
    EXPECT_EQ(error.kind(), message.starts_with("--") ? ErrorKind::job : ErrorKind::data);
    return message;
  }
  return "";
}

}  // namespace ringtrain::datasets::testing
