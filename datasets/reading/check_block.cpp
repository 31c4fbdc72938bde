// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/check_block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/url.hpp"

namespace ringtrain::datasets {
namespace {

// Returns what is wrong with a row's label; empty if nothing is. y need not be aligned.
std::string wrong_label(const DatasetIndex& index, const std::byte* y) {
  const auto classes = static_cast<uint64_t>(index.class_names.size());
  uint64_t label;
  std::memcpy(&label, y, sizeof label);
  if (label < classes) return "";  // a negative label is a large one here
  return fmt::format("label {} outside 0..{}", static_cast<int64_t>(label), classes - 1);
}

// The same for its targets. NaN lies in no range.
std::string wrong_target(const Targets& targets, const std::byte* y) {
  for (size_t k = 0; k < targets.names.size(); ++k) {
    float value;
    std::memcpy(&value, y + k * sizeof value, sizeof value);
    if (value >= targets.least[k] && value <= targets.largest[k]) continue;
    return fmt::format("target {} is {}, outside {}..{},", targets.names[k], value,
                       targets.least[k], targets.largest[k]);
  }
  return "";
}

}  // namespace

void check_block(const DatasetIndex& index, Split split, const Piece& piece, uint64_t block,
                 const std::byte* x, const std::byte* y) {
  const uint64_t first = block * index.block_rows;
  const uint64_t rows = std::min(index.block_rows, piece.rows - first);
  const auto refuse = [&](std::string_view dataset, std::string_view why) {
    throw data_error(fmt::format("{}: /{}/{}: {} in rows {} to {}",
                                 printable_url(index.shards[piece.shard].path), name_of(split),
                                 dataset, why, first, first + rows - 1));
  };
  constexpr std::string_view kDamaged = "damaged (wrong checksum)";
  if (crc32c(x, rows * index.row_bytes()) != piece.x_crc32c[block]) refuse("x", kDamaged);
  if (crc32c(y, rows * index.y_bytes()) != piece.y_crc32c[block]) refuse("y", kDamaged);
  for (uint64_t i = 0; i < rows; ++i) {
    const std::byte* own = y + i * index.y_bytes();
    const std::string wrong =
        index.has_targets() ? wrong_target(index.targets, own) : wrong_label(index, own);
    if (!wrong.empty()) refuse("y", wrong);
  }
}

}  // namespace ringtrain::datasets
