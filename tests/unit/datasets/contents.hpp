// SPDX-License-Identifier: Apache-2.0
// A dataset's rows in the order of the source, for tests of importers.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "datasets/format/layout.hpp"
#include "datasets/reading/reader.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets::testing {

struct SourceRow {
  std::vector<std::byte> x;
  int64_t label = -1;
  std::vector<float> targets;
  bool operator==(const SourceRow&) const = default;
};

// Row i is what the importer put as row i of the split.
inline std::vector<SourceRow> source_rows(const DatasetIndex& index, Split split) {
  const uint64_t rows = index.split(split).rows;
  const Permutation shuffle(rows, mix(index.shuffle_seed, split == Split::train ? 0 : 1));
  const bool in_source_order = index.shuffle_seed == layout::kSourceOrder;
  std::vector<SourceRow> result(rows);
  ReaderOptions options;
  options.batch_size = 64;
  options.shuffle = false;
  Reader reader(index, split, options);
  reader.start(0);
  while (const Batch* batch = reader.next()) {
    for (uint32_t i = 0; i < batch->rows; ++i) {
      const uint64_t place = batch->first_position + i;
      SourceRow& row = result[in_source_order ? place : shuffle.inverse(place)];
      const std::byte* x = batch->x + i * index.row_bytes();
      row.x.assign(x, x + index.row_bytes());
      if (batch->y != nullptr) row.label = batch->y[i];
      const size_t own = index.targets.names.size();
      if (own > 0) row.targets.assign(batch->targets + i * own, batch->targets + (i + 1) * own);
    }
  }
  return result;
}

// A sample of f32 as numbers.
inline std::vector<float> floats_of(const SourceRow& row) {
  std::vector<float> values(row.x.size() / sizeof(float));
  std::memcpy(values.data(), row.x.data(), row.x.size());
  return values;
}
inline std::vector<int64_t> whole_numbers_of(const SourceRow& row) {
  std::vector<int64_t> values(row.x.size() / sizeof(int64_t));
  std::memcpy(values.data(), row.x.data(), row.x.size());
  return values;
}
inline std::vector<int> bytes_of(const SourceRow& row) {
  std::vector<int> values;
  for (const std::byte b : row.x) values.push_back(std::to_integer<int>(b));
  return values;
}

// The one line with which an import is refused; nothing may be left in the folder of `destination`.
template <typename Action>
std::string import_refusal(const std::filesystem::path& destination, Action&& action) {
  const std::string message = data_refusal(action);
  EXPECT_NE(message, "");
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(destination.parent_path())) << message;
  return message;
}

}  // namespace ringtrain::datasets::testing
