// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/open.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "datasets/reading/open_shard.hpp"
#include "datasets/reading/verify.hpp"

namespace ringtrain::datasets {
namespace {

// Above this size, reading every byte would delay the start noticeably.
constexpr uint64_t kVerifyAtOpen = uint64_t{256} << 20;

using Shards = std::map<uint32_t, OpenedShard>;  // by index

Shards open_shards(const std::filesystem::path& directory) {
  Shards shards;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::filesystem::path& path = entry.path();
    // Temporary files of shards that are being written begin with a dot.
    if (path.extension() != ".h5" || path.filename().string().starts_with('.')) continue;
    OpenedShard opened = open_shard(path);
    const uint32_t index = opened.index.shard_index;
    const auto [other, inserted] = shards.emplace(index, std::move(opened));
    if (!inserted) {
      throw data_error(fmt::format("{}: is shard {}, and so is {}", path.string(), index,
                                   other->second.index.shards.front().path));
    }
  }
  if (shards.empty()) {
    throw data_error(fmt::format("{}: holds no .h5 files", directory.string()));
  }
  const uint32_t count = shards.begin()->second.index.shard_count;
  if (shards.size() != count) {
    throw data_error(
        fmt::format("{}: holds {} of {} shards", directory.string(), shards.size(), count));
  }
  return shards;
}

void check_same_dataset(const OpenedShard& shard, const OpenedShard& first) {
  const DatasetIndex& a = shard.index;
  const DatasetIndex& b = first.index;
  if (a.uuid != b.uuid || a.shard_count != b.shard_count || a.element != b.element ||
      a.shape != b.shape || a.mean != b.mean || a.std != b.std || a.class_names != b.class_names ||
      a.targets != b.targets || a.block_rows != b.block_rows ||
      shard.place.total_rows != first.place.total_rows) {
    throw data_error(fmt::format("{}: belongs to another dataset than {}", a.shards.front().path,
                                 b.shards.front().path));
  }
}

// Appends the rows of a shard to those of the shards before it.
void append(DatasetIndex& whole, const OpenedShard& shard, Split split) {
  const SplitIndex& added = shard.index.split(split);
  if (added.rows == 0) return;
  SplitIndex& rows = whole.split(split);
  const uint64_t first_row = shard.place.first_row[static_cast<size_t>(split)];
  if (rows.rows != first_row || rows.rows % whole.block_rows != 0) {
    throw data_error(fmt::format(
        "{}: its rows begin at {}, but {} is next; are these the shards of one dataset?",
        shard.index.shards.front().path, first_row, rows.rows));
  }
  rows.pieces.push_back(added.pieces.front());
  rows.pieces.back().first_row = first_row;
  rows.pieces.back().shard = static_cast<uint32_t>(whole.shards.size() - 1);
  rows.rows += added.rows;
}

DatasetIndex open_directory(const std::filesystem::path& directory) {
  const Shards shards = open_shards(directory);
  const OpenedShard& first = shards.begin()->second;
  DatasetIndex whole = first.index;
  whole.shards.clear();
  whole.train = {};
  whole.test = {};
  whole.shard_index = 0;
  whole.shard_count = 1;
  for (const auto& [index, shard] : shards) {
    check_same_dataset(shard, first);
    whole.shards.push_back(shard.index.shards.front());
    append(whole, shard, Split::train);
    append(whole, shard, Split::test);
  }
  const auto& total = first.place.total_rows;
  if (whole.train.rows != total[0] || whole.test.rows != total[1]) {
    throw data_error(fmt::format("{}: the shards hold {} + {} rows of {} + {}", directory.string(),
                                 whole.train.rows, whole.test.rows, total[0], total[1]));
  }
  return whole;
}

}  // namespace

DatasetIndex open_dataset_unverified(const std::filesystem::path& path) {
  try {
    return std::filesystem::is_directory(path) ? open_directory(path) : open_shard(path).index;
  } catch (const std::filesystem::filesystem_error& error) {
    throw data_error(fmt::format("{}: {}", path.string(), error.code().message()));
  }
}

DatasetIndex open_dataset(const std::filesystem::path& path) {
  DatasetIndex index = open_dataset_unverified(path);
  if (index.bytes(Split::train) + index.bytes(Split::test) <= kVerifyAtOpen) verify(index);
  return index;
}

}  // namespace ringtrain::datasets
