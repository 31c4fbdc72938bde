// SPDX-License-Identifier: Apache-2.0
#include "datasets/format/plan.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace ringtrain::datasets {

size_t size_of(Element element) { return element == Element::u8 ? 1 : 4; }
std::string_view name_of(Element element) { return element == Element::u8 ? "u8" : "f32"; }
std::string_view name_of(Split split) { return split == Split::train ? "train" : "test"; }

// NOLINTBEGIN(bugprone-*,modernize-*): expanded from the library's macros
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Shape, channels, height, width)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Piece, file, first_row, rows, x_offset, y_offset, x_crc32c,
                                   y_crc32c)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Part, rows, pieces)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DataFile, path, size)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, uuid, element, shape, mean, std, class_names, source,
                                   source_sha256, shuffle_seed, block_rows, files, train, test,
                                   part_index, part_count)
// NOLINTEND(bugprone-*,modernize-*)

std::string serialise(const Plan& plan) {
  std::string bytes;
  nlohmann::json::to_cbor(nlohmann::json(plan), bytes);
  return bytes;
}

Plan deserialise(std::string_view bytes) {
  try {
    return nlohmann::json::from_cbor(bytes).get<Plan>();
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("the dataset's plan cannot be read: {}", error.what()));
  }
}

}  // namespace ringtrain::datasets
