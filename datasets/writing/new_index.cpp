// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/new_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/format/layout.hpp"
#include "net/sha256.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kBlockBytes = uint64_t{512} << 10;

// Returns the rows of a block of 256 to 512 KiB: large enough that a disk reads it at full speed,
// small enough that a rank holds dozens. A power of two, for which the order inside a block needs
// no cycle-walking.
uint64_t default_block_rows(uint64_t row_bytes) {
  return std::bit_floor(std::max<uint64_t>(1, kBlockBytes / row_bytes));
}

void check_target_names(const DatasetIndex& index) {
  const auto& names = index.targets.names;
  if (names.size() > layout::kMostTargets) {
    throw data_error(fmt::format("{}: {} targets; a dataset has at most {}", index.source,
                                 names.size(), layout::kMostTargets));
  }
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second) continue;
    throw data_error(fmt::format("{}: two targets are named '{}'", index.source, name));
  }
}

// Returns a value for each channel.
std::vector<float> of_channels(const std::vector<float>& given, const DatasetIndex& index,
                               const char* option) {
  const auto channels = static_cast<size_t>(index.shape.channels);
  if (index.element == ElementType::i64) {
    throw job_error(
        fmt::format("{}: {} has whole numbers, which are not normalised", option, index.source));
  }
  if (given.size() != 1 && given.size() != channels) {
    throw job_error(fmt::format(
        "{}: has {}, but samples of {} have {}: give one for all, or one "
        "for each",
        option, counted(given.size(), "value"), index.source, counted(channels, "channel")));
  }
  for (const float value : given) {
    if (!std::isfinite(value)) throw job_error(fmt::format("{}: {} is not finite", option, value));
  }
  return given.size() == 1 ? std::vector<float>(channels, given.front()) : given;
}

void set_given_statistics(const NewDataset& dataset, DatasetIndex& index) {
  if (dataset.mean.empty() != dataset.std.empty()) {
    throw job_error("--mean and --std belong together");
  }
  if (dataset.mean.empty()) return;
  index.mean = of_channels(dataset.mean, index, "--mean");
  index.std = of_channels(dataset.std, index, "--std");
  for (const float value : index.std) {
    if (value <= 0) throw job_error(fmt::format("--std: {} is not positive", value));
  }
}

}  // namespace

std::string uuid_of(const DatasetIndex& index, bool given_statistics) {
  net::Sha256 hash;
  const auto add = [&](const auto& values) {
    hash.add(values.data(), values.size() * sizeof(values[0]));
  };
  const std::array<uint64_t, 7> numbers = {static_cast<uint64_t>(index.element),
                                           static_cast<uint64_t>(index.shape.channels),
                                           static_cast<uint64_t>(index.shape.height),
                                           static_cast<uint64_t>(index.shape.width),
                                           index.shuffle_seed,
                                           index.train.rows,
                                           index.test.rows};
  add(numbers);
  if (given_statistics) {
    add(index.mean);
    add(index.std);
  }
  for (const Split split : {Split::train, Split::test}) {
    for (const Piece& piece : index.split(split).pieces) {
      add(piece.x_crc32c);
      add(piece.y_crc32c);
    }
  }
  for (const auto* names : {&index.class_names, &index.targets.names}) {
    for (const std::string& name : *names) hash.add(name.c_str(), name.size() + 1);
  }
  std::string text = hash.hexadecimal().substr(0, 32);
  text[12] = '8';  // version 8, RFC 9562: custom contents
  text[16] = "89ab"[text[16] % 4];
  for (const size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

DatasetIndex start_index(const NewDataset& dataset) {
  DatasetIndex index;
  index.element = dataset.element;
  index.shape = dataset.shape;
  index.source = dataset.source;
  index.shuffle_seed = dataset.shuffle_seed;
  index.targets.names = dataset.target_names;
  check_target_names(index);
  const Shape& shape = dataset.shape;
  constexpr int64_t kMax = int64_t{1} << 20;
  for (const int64_t dimension : {shape.channels, shape.height, shape.width}) {
    if (dimension < 1 || dimension > kMax) {
      throw data_error(fmt::format("{}: samples of {} x {} x {}: each dimension must be 1 to {}",
                                   index.source, shape.channels, shape.height, shape.width, kMax));
    }
  }
  if (index.row_bytes() > uint64_t{1} << 30) {
    throw data_error(index.source + ": samples of more than 1 GiB");
  }
  if (dataset.train_rows == 0) throw data_error(index.source + ": has no training rows");
  uint64_t bytes = 0;
  if (__builtin_add_overflow(dataset.train_rows, dataset.test_rows, &bytes) ||
      __builtin_mul_overflow(bytes, index.row_bytes() + index.y_bytes(), &bytes) ||
      bytes >> 62 != 0) {
    throw data_error(fmt::format("{}: promises {} + {} rows, which no disk holds", index.source,
                                 dataset.train_rows, dataset.test_rows));
  }
  const uint64_t own_bytes =
      index.has_targets() ? std::max(index.row_bytes(), index.y_bytes()) : index.row_bytes();
  index.block_rows = dataset.block_rows > 0 ? dataset.block_rows : default_block_rows(own_bytes);
  set_given_statistics(dataset, index);
  index.train.rows = dataset.train_rows;
  index.test.rows = dataset.test_rows;
  return index;
}

}  // namespace ringtrain::datasets
