// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/check_block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/crc32c.hpp"
#include "base/error.hpp"

namespace ringtrain::datasets {

void check_block(const DatasetIndex& index, Split split, const Piece& piece, uint64_t block,
                 const std::byte* x, const std::byte* y) {
  const uint64_t first = block * index.block_rows;
  const uint64_t rows = std::min(index.block_rows, piece.rows - first);
  const auto refuse = [&](std::string_view dataset, std::string_view why) {
    throw data_error(fmt::format("{}: /{}/{}: {} in rows {} to {}", index.shards[piece.shard].path,
                                 name_of(split), dataset, why, first, first + rows - 1));
  };
  constexpr std::string_view kDamaged = "damaged (wrong checksum)";
  if (crc32c(x, rows * index.row_bytes()) != piece.x_crc32c[block]) refuse("x", kDamaged);
  if (crc32c(y, rows * sizeof(int64_t)) != piece.y_crc32c[block]) refuse("y", kDamaged);
  const auto classes = static_cast<uint64_t>(index.class_names.size());
  for (uint64_t i = 0; i < rows; ++i) {
    uint64_t label;
    std::memcpy(&label, y + i * sizeof label, sizeof label);
    if (label >= classes) {  // a negative label is a large one here
      refuse("y", fmt::format("label {} outside 0..{}", static_cast<int64_t>(label), classes - 1));
    }
  }
}

}  // namespace ringtrain::datasets
