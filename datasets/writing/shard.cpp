// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/writing/hdf5_file_writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr std::array<Split, 2> kBothSplits = {Split::train, Split::test};

// Copies blocks, checking each on its way.
class ShardWriter {
 public:
  explicit ShardWriter(const DatasetIndex& whole)
      : whole_(whole), files_{BlockFiles(whole, Split::train), BlockFiles(whole, Split::test)} {}

  void write(const std::filesystem::path& path, uint32_t shard, uint32_t count) {
    DatasetIndex index = whole_;
    index.shard_index = shard;
    index.shard_count = count;
    ShardPlace place{{0, 0}, {whole_.train.rows, whole_.test.rows}};
    std::array<Slice, 2> blocks;
    for (const Split split : kBothSplits) {
      const auto s = static_cast<size_t>(split);
      blocks[s] =
          slice_of({0, whole_.blocks(split)}, static_cast<int>(shard), static_cast<int>(count));
      const uint64_t total = whole_.split(split).rows;
      const auto row_of = [&](uint64_t block) { return std::min(total, block * index.block_rows); };
      place.first_row[s] = row_of(blocks[s].first);
      SplitIndex& own = index.split(split);
      own.rows = row_of(blocks[s].first + blocks[s].count) - place.first_row[s];
      own.pieces.assign(own.rows > 0 ? 1 : 0, {});
    }
    PendingFile pending(path);
    Hdf5FileWriter hdf5(pending.path(), index);
    for (const Split split : kBothSplits) {
      copy(split, blocks[static_cast<size_t>(split)], hdf5, pending.file(), index.split(split));
    }
    hdf5.finish(index, place);
    pending.file().sync();
    verify(open_dataset_unverified(pending.path()));
    pending.commit();
  }

 private:
  void copy(Split split, Slice blocks, const Hdf5FileWriter& hdf5, File& out, SplitIndex& own) {
    BlockFiles& files = files_[static_cast<size_t>(split)];
    BlockBuffer buffer(files);
    const uint64_t row_bytes = whole_.row_bytes();
    for (uint64_t i = 0; i < blocks.count; ++i) {
      const BlockView view = buffer.read(blocks.first + i);
      const BlockPlace from = files.place(blocks.first + i);
      const uint64_t row = i * whole_.block_rows;
      out.write_at(view.x, from.rows * row_bytes, hdf5.x_offset(split) + row * row_bytes);
      out.write_at(view.y, from.rows * whole_.y_bytes(),
                   hdf5.y_offset(split) + row * whole_.y_bytes());
      own.pieces[0].x_crc32c.push_back(from.piece->x_crc32c[from.index]);
      own.pieces[0].y_crc32c.push_back(from.piece->y_crc32c[from.index]);
    }
  }

  const DatasetIndex& whole_;
  std::array<BlockFiles, 2> files_;
};

}  // namespace

std::vector<std::filesystem::path> shard_dataset(const DatasetIndex& whole,
                                                 const std::filesystem::path& directory,
                                                 uint32_t shards, const Progress& progress) {
  const std::string& path_of_whole = whole.shards.front().path;
  const uint64_t most = std::min<uint64_t>(whole.blocks(Split::train), 99999);
  if (whole.shard_count != 1) throw data_error(path_of_whole + ": is a shard already");
  if (shards < 1 || shards > most) {
    throw data_error(
        fmt::format("{}: has {} training blocks, so it can be split into 1 to {} shards",
                    path_of_whole, whole.blocks(Split::train), most));
  }
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !std::filesystem::is_empty(directory, error)) {
    throw job_error(
        fmt::format("{}: exists and is not empty: name another folder", directory.string()));
  }
  std::filesystem::create_directories(directory, error);
  if (error) throw io_error(fmt::format("{}: {}", directory.string(), error.message()));
  std::vector<std::filesystem::path> paths;
  try {
    ShardWriter writer(whole);
    for (uint32_t i = 0; i < shards; ++i) {
      const auto path = directory / fmt::format("part-{:05}-of-{:05}.h5", i, shards);
      paths.push_back(path);
      writer.write(path, i, shards);
      if (progress) progress(i + 1, shards);
    }
  } catch (...) {
    for (const auto& path : paths) std::filesystem::remove(path, error);
    std::filesystem::remove(directory, error);
    throw;
  }
  return paths;
}

}  // namespace ringtrain::datasets
