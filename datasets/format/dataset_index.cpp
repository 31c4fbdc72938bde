// SPDX-License-Identifier: Apache-2.0
#include "datasets/format/dataset_index.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace ringtrain::datasets {

size_t size_of(ElementType element) {
  if (element == ElementType::i64) return sizeof(int64_t);
  return element == ElementType::u8 ? sizeof(uint8_t) : sizeof(float);
}

std::string_view name_of(ElementType element) {
  if (element == ElementType::i64) return "i64";
  return element == ElementType::u8 ? "u8" : "f32";
}

std::string_view name_of(Split split) { return split == Split::train ? "train" : "test"; }

// NOLINTBEGIN(bugprone-*,modernize-*): expanded from the library's macros
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Shape, channels, height, width)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Piece, shard, first_row, rows, x_offset, y_offset, x_crc32c,
                                   y_crc32c)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SplitIndex, rows, pieces)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Shard, path, size, etag)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Targets, names, mean, std, least, largest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DatasetIndex, uuid, element, shape, mean, std, class_names,
                                   targets, source, source_sha256, shuffle_seed, block_rows, shards,
                                   train, test, shard_index, shard_count)
// NOLINTEND(bugprone-*,modernize-*)

std::string serialise(const DatasetIndex& index) {
  std::string bytes;
  nlohmann::json::to_cbor(nlohmann::json(index), bytes);
  return bytes;
}

DatasetIndex deserialise(std::string_view bytes) {
  try {
    return nlohmann::json::from_cbor(bytes).get<DatasetIndex>();
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("the dataset's index cannot be read: {}", error.what()));
  }
}

}  // namespace ringtrain::datasets
