// SPDX-License-Identifier: Apache-2.0
#include "datasets/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "datasets/crc32c.hpp"
#include "datasets/error.hpp"
#include "datasets/file.hpp"

namespace ringtrain::datasets {

void verify_block(const Plan& plan, Split split, const Piece& piece, uint64_t block,
                  const std::byte* x, const std::byte* y) {
  const uint64_t first = block * plan.block_rows;
  const uint64_t rows = std::min(plan.block_rows, piece.rows - first);
  const auto refuse = [&](std::string_view dataset, std::string_view what) {
    throw DataError(fmt::format("{}: /{}/{}: {} in rows {} to {}", plan.files[piece.file].path,
                                name_of(split), dataset, what, first, first + rows - 1));
  };
  constexpr std::string_view kDamaged = "damaged (wrong checksum)";
  if (crc32c(x, rows * plan.row_bytes()) != piece.x_crc32c[block]) refuse("x", kDamaged);
  if (crc32c(y, rows * sizeof(int64_t)) != piece.y_crc32c[block]) refuse("y", kDamaged);
  const auto classes = static_cast<uint64_t>(plan.class_names.size());
  for (uint64_t i = 0; i < rows; ++i) {
    uint64_t label;
    std::memcpy(&label, y + i * sizeof label, sizeof label);
    if (label >= classes) {  // a negative label is a large one here
      refuse("y", fmt::format("label {} outside 0..{}", static_cast<int64_t>(label), classes - 1));
    }
  }
}

void verify(const Plan& plan, const Progress& progress) {
  std::vector<File> files;
  for (const DataFile& file : plan.files) files.push_back(File::open_for_reading(file.path));
  const uint64_t largest = std::min(plan.block_rows, std::max(plan.train.rows, plan.test.rows));
  std::vector<std::byte> x(largest * plan.row_bytes());
  std::vector<std::byte> y(largest * sizeof(int64_t));
  const uint64_t total = plan.train.rows + plan.test.rows;
  uint64_t done = 0;
  for (const Split split : {Split::train, Split::test}) {
    for (const Piece& piece : plan.part(split).pieces) {
      for (uint64_t block = 0; block * plan.block_rows < piece.rows; ++block) {
        const uint64_t first = block * plan.block_rows;
        const uint64_t rows = std::min(plan.block_rows, piece.rows - first);
        const File& file = files[piece.file];
        file.read_at(x.data(), rows * plan.row_bytes(), piece.x_offset + first * plan.row_bytes());
        file.read_at(y.data(), rows * sizeof(int64_t), piece.y_offset + first * sizeof(int64_t));
        verify_block(plan, split, piece, block, x.data(), y.data());
        done += rows;
        if (progress) progress(done, total);
      }
    }
  }
}

}  // namespace ringtrain::datasets
