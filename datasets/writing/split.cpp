// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/split.hpp"

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

constexpr std::array<Split, 2> kSplits = {Split::train, Split::test};

uint64_t blocks_of(const Plan& plan, Split split) {
  return (plan.part(split).rows + plan.block_rows - 1) / plan.block_rows;
}

// Copies the blocks, checking each on its way.
class PartWriter {
 public:
  explicit PartWriter(const Plan& whole)
      : whole_(whole), files_{BlockFiles(whole, Split::train), BlockFiles(whole, Split::test)} {
    const uint64_t rows = std::min(whole.block_rows, std::max(whole.train.rows, whole.test.rows));
    x_.resize(rows * whole.row_bytes());
    y_.resize(rows * sizeof(int64_t));
  }

  void write(const std::filesystem::path& path, uint32_t index, uint32_t count) {
    Plan plan = whole_;
    PartPlace place{index, count, {0, 0}, {whole_.train.rows, whole_.test.rows}};
    std::array<Slice, 2> blocks;
    for (const Split split : kSplits) {
      const auto s = static_cast<size_t>(split);
      blocks[s] =
          slice_of({0, blocks_of(whole_, split)}, static_cast<int>(index), static_cast<int>(count));
      const uint64_t total = whole_.part(split).rows;
      place.first_row[s] = std::min(total, blocks[s].first * whole_.block_rows);
      const uint64_t end = std::min(total, (blocks[s].first + blocks[s].count) * whole_.block_rows);
      Part part;
      part.rows = end - place.first_row[s];
      if (part.rows > 0) part.pieces.emplace_back();
      (split == Split::train ? plan.train : plan.test) = std::move(part);
    }
    PendingFile pending(path);
    Hdf5FileWriter hdf5(pending.path(), plan);
    for (const Split split : kSplits) {
      const auto s = static_cast<size_t>(split);
      Part& part = split == Split::train ? plan.train : plan.test;
      for (uint64_t i = 0; i < blocks[s].count; ++i)
        copy(split, blocks[s].first + i, i, hdf5, pending.file(), part);
    }
    hdf5.finish(plan, place);
    pending.file().sync();
    verify(open_dataset_unverified(pending.path()));
    pending.commit();
  }

 private:
  void copy(Split split, uint64_t block, uint64_t to, const Hdf5FileWriter& hdf5, File& out,
            Part& part) {
    BlockFiles& files = files_[static_cast<size_t>(split)];
    const BlockPlace from = files.place(block);
    const uint64_t row_bytes = whole_.row_bytes();
    files.file(from).read_at(x_.data(), from.rows * row_bytes, from.x_offset);
    files.file(from).read_at(y_.data(), from.rows * sizeof(int64_t), from.y_offset);
    files.check(block, from, {x_.data(), y_.data()});
    const uint64_t row = to * whole_.block_rows;
    out.write_at(x_.data(), from.rows * row_bytes, hdf5.x_offset(split) + row * row_bytes);
    out.write_at(y_.data(), from.rows * sizeof(int64_t),
                 hdf5.y_offset(split) + row * sizeof(int64_t));
    part.pieces[0].x_crc32c.push_back(from.piece->x_crc32c[from.index]);
    part.pieces[0].y_crc32c.push_back(from.piece->y_crc32c[from.index]);
  }

  const Plan& whole_;
  std::array<BlockFiles, 2> files_;
  std::vector<std::byte> x_;
  std::vector<std::byte> y_;
};

}  // namespace

std::vector<std::filesystem::path> split_dataset(const Plan& whole,
                                                 const std::filesystem::path& directory,
                                                 uint32_t parts, const Progress& progress) {
  const uint64_t most = blocks_of(whole, Split::train);
  if (whole.part_count != 1)
    throw data_error(whole.files.front().path + ": is a part file already");
  if (parts < 1 || parts > most || parts > 99999) {
    throw data_error(
        fmt::format("{}: has {} training blocks, so it can be split into 1 to {} parts",
                    whole.files.front().path, most, std::min<uint64_t>(most, 99999)));
  }
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !std::filesystem::is_empty(directory, error)) {
    throw data_error(fmt::format("{}: exists and is not empty", directory.string()));
  }
  std::filesystem::create_directories(directory, error);
  if (error) throw data_error(fmt::format("{}: {}", directory.string(), error.message()));
  std::vector<std::filesystem::path> paths;
  try {
    PartWriter writer(whole);
    for (uint32_t i = 0; i < parts; ++i) {
      const auto path = directory / fmt::format("part-{:05}-of-{:05}.h5", i, parts);
      paths.push_back(path);
      writer.write(path, i, parts);
      if (progress) progress(i + 1, parts);
    }
  } catch (...) {
    for (const auto& path : paths) std::filesystem::remove(path, error);
    std::filesystem::remove(directory, error);
    throw;
  }
  return paths;
}

}  // namespace ringtrain::datasets
