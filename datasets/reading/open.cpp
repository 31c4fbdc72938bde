// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/open.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/url.hpp"
#include "datasets/reading/open_shard.hpp"
#include "datasets/reading/verify.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::datasets {
namespace {

// Above this size, reading every byte would delay the start noticeably.
constexpr uint64_t kVerifyAtOpen = uint64_t{256} << 20;

using Shards = std::map<uint32_t, OpenedShard>;  // by index

// The shards of one dataset, in the order of their numbers, as they are found.
class ShardSet {
 public:
  explicit ShardSet(std::string folder) : folder_(std::move(folder)) {}

  void add(const std::string& path, OpenedShard opened) {
    const uint32_t index = opened.index.shard_index;
    const auto [other, inserted] = shards_.emplace(index, std::move(opened));
    if (!inserted) {
      throw data_error(fmt::format("{}: is shard {}, and so is {}", path, index,
                                   other->second.index.shards.front().path));
    }
  }

  // Returns all of them. Throws a data error if some are missing.
  Shards take() {
    if (shards_.empty()) throw data_error(fmt::format("{}: holds no .h5 files", folder_));
    const uint32_t count = shards_.begin()->second.index.shard_count;
    if (shards_.size() != count) {
      throw data_error(fmt::format("{}: holds {} of {} shards", folder_, shards_.size(), count));
    }
    return std::move(shards_);
  }

 private:
  std::string folder_;
  Shards shards_;
};

// Temporary files of shards that are being written begin with a dot.
bool is_shard(const std::filesystem::path& path) {
  return path.extension() == ".h5" && !path.filename().string().starts_with('.');
}

Shards open_shards(const std::filesystem::path& directory) {
  ShardSet shards(directory.string());
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (is_shard(entry.path())) shards.add(entry.path().string(), open_shard(entry.path()));
  }
  return shards.take();
}

using Cache = std::shared_ptr<storage::HostCache>;

OpenedShard open_remote_shard(const Cache& cache, const std::string& url) {
  return open_shard(*storage::CachedObject::open(cache, url), url);
}

// Takes the objects directly below the URL, not those in folders there.
Shards open_remote_shards(const Cache& cache, const std::string& url) {
  ShardSet shards(url);
  for (const std::string& one : cache->list(url)) {
    if (one.find('/', url.size()) != std::string::npos || !is_shard(one)) continue;
    shards.add(one, open_remote_shard(cache, one));
  }
  return shards.take();
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

DatasetIndex join_shards(const std::string& folder, const Shards& shards) {
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
    throw data_error(fmt::format("{}: the shards hold {} + {} rows of {} + {}", folder,
                                 whole.train.rows, whole.test.rows, total[0], total[1]));
  }
  return whole;
}

DatasetIndex open_remote(const std::string& url, const storage::CacheOptions& options) {
  const auto cache = std::make_shared<storage::HostCache>(options);
  if (!url.ends_with('/')) return open_remote_shard(cache, url).index;
  return join_shards(url, open_remote_shards(cache, url));
}

}  // namespace

DatasetIndex open_dataset_unverified(const std::filesystem::path& path,
                                     const storage::CacheOptions& cache) {
  if (is_url(path)) return open_remote(path.string(), cache);
  try {
    if (!std::filesystem::is_directory(path)) return open_shard(path).index;
    return join_shards(path.string(), open_shards(path));
  } catch (const std::filesystem::filesystem_error& error) {
    throw data_error(fmt::format("{}: {}", path.string(), error.code().message()));
  }
}

DatasetIndex open_dataset(const std::filesystem::path& path, const storage::CacheOptions& cache) {
  DatasetIndex index = open_dataset_unverified(path, cache);
  const bool is_small = index.bytes(Split::train) + index.bytes(Split::test) <= kVerifyAtOpen;
  if (is_small && !is_url(path)) verify(index);
  return index;
}

}  // namespace ringtrain::datasets
