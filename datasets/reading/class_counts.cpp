// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/class_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/url.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::datasets {
namespace {

std::unique_ptr<storage::Source> open_source(const Shard& shard) {
  if (!is_url(shard.path)) return storage::open_file(shard.path);
  const auto cache = std::make_shared<storage::HostCache>(storage::CacheOptions{});
  return storage::CachedObject::open(cache, shard.path, shard.etag);
}

}  // namespace

std::vector<uint64_t> class_counts(const DatasetIndex& index, Split split) {
  RINGTRAIN_CHECK(!index.has_targets());
  std::vector<uint64_t> counts(index.class_names.size());
  for (const Piece& piece : index.split(split).pieces) {
    const auto file = open_source(index.shards.at(piece.shard));
    std::vector<int64_t> labels;
    for (uint64_t first = 0; first < piece.rows; first += index.block_rows) {
      labels.resize(std::min(index.block_rows, piece.rows - first));
      const uint64_t bytes = labels.size() * sizeof(int64_t);
      file->read_at(labels.data(), bytes, piece.y_offset + first * sizeof(int64_t));
      bool good = crc32c(labels.data(), bytes) == piece.y_crc32c.at(first / index.block_rows);
      for (const int64_t label : labels) {
        good = good && label >= 0 && static_cast<uint64_t>(label) < counts.size();
        if (good) ++counts[static_cast<size_t>(label)];
      }
      if (good) continue;
      throw data_error(fmt::format("{}: /{}/y: damaged (wrong checksum or label) in rows {} to {}",
                                   file->name(), name_of(split), first, first + labels.size() - 1));
    }
  }
  return counts;
}

}  // namespace ringtrain::datasets
