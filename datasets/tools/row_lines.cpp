// SPDX-License-Identifier: Apache-2.0
#include "datasets/tools/row_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "base/terminal/printable.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/reading/block_store.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kShown = 12;

template <typename Number>
std::string number_text(const std::byte* at, size_t i) {
  Number value;
  std::memcpy(&value, at + i * sizeof value, sizeof value);
  return fmt::format("{}", value);
}

std::string element_text(ElementType element, const std::byte* x, size_t i) {
  if (element == ElementType::i64) return number_text<int64_t>(x, i);
  return element == ElementType::u8 ? number_text<uint8_t>(x, i) : number_text<float>(x, i);
}

std::string answer_text(const DatasetIndex& index, const std::byte* y) {
  if (!index.has_targets()) {
    int64_t label = 0;
    std::memcpy(&label, y, sizeof label);
    return printable(index.class_names.at(static_cast<size_t>(label)));
  }
  const auto& names = index.targets.names;
  std::string text;
  for (size_t k = 0; k < std::min(kShown, names.size()); ++k) {
    text +=
        fmt::format("{}{} {}", k == 0 ? "" : ", ", printable(names[k]), number_text<float>(y, k));
  }
  return text + (names.size() > kShown ? ", ..." : "");
}

}  // namespace

bool is_table(const DatasetIndex& index) {
  const bool one_pixel = index.shape.height == 1 && index.shape.width == 1;
  return one_pixel || index.element == ElementType::i64;
}

std::vector<std::string> row_lines(const DatasetIndex& index, Split split, uint64_t rows,
                                   uint64_t seed) {
  const uint64_t all = index.split(split).rows;
  rows = std::min(rows, all);
  if (rows == 0) {
    throw data_error(fmt::format("{}: no {} rows to show", index.shards[0].path, name_of(split)));
  }
  BlockFiles files(index, split);
  MappedBlocks blocks(files, MappedBlocks::Access::blocks);
  const Permutation drawn(all, mix(seed));
  const auto elements = static_cast<size_t>(index.shape.elements());
  std::vector<std::string> lines;
  for (uint64_t i = 0; i < rows; ++i) {
    const uint64_t row = drawn(i);
    const BlockView view = blocks.view(row / index.block_rows);
    const uint64_t within = row % index.block_rows;
    const std::byte* x = view.x + within * index.row_bytes();
    std::string line = fmt::format("{} row {} ({}):", name_of(split), row,
                                   answer_text(index, view.y + within * index.y_bytes()));
    for (size_t k = 0; k < std::min(kShown, elements); ++k) {
      line += fmt::format("{} {}", k == 0 ? "" : ",", element_text(index.element, x, k));
    }
    if (elements > kShown) line += fmt::format(", ... ({} numbers)", elements);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace ringtrain::datasets
