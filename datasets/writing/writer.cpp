// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/writing/channel_statistics.hpp"
#include "datasets/writing/hdf5_file_writer.hpp"
#include "net/sha256.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kBlockBytes = uint64_t{512} << 10;
constexpr uint64_t kCopyBytes = uint64_t{8} << 20;
constexpr uint64_t kWriteBackBytes = uint64_t{64} << 20;
constexpr std::array<Split, 2> kSplits = {Split::train, Split::test};
constexpr int64_t kUnset = -1;
constexpr int64_t kDropped = -2;

// Makes a UUID of the contents: the same rows imported again give the same dataset, so a job can
// resume with it.
std::string uuid_of(const DatasetIndex& index) {
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
  for (const Split split : kSplits) {
    for (const Piece& piece : index.split(split).pieces) {
      add(piece.x_crc32c);
      add(piece.y_crc32c);
    }
  }
  for (const std::string& name : index.class_names) hash.add(name.c_str(), name.size() + 1);
  std::string text = hash.hexadecimal().substr(0, 32);
  text[12] = '8';  // version 8, RFC 9562: custom contents
  text[16] = "89ab"[text[16] % 4];
  for (const size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

// Returns the rows of a block of 256 to 512 KiB: large enough that a disk reads it at full speed,
// small enough that a rank holds dozens. A power of two, for which the order inside a block needs
// no cycle-walking.
uint64_t default_block_rows(uint64_t row_bytes) {
  return std::bit_floor(std::max<uint64_t>(1, kBlockBytes / row_bytes));
}

DatasetIndex start_index(const NewDataset& dataset) {
  DatasetIndex index;
  index.element = dataset.element;
  index.shape = dataset.shape;
  index.source = dataset.source;
  index.shuffle_seed = dataset.shuffle_seed;
  const Shape& shape = dataset.shape;
  constexpr int64_t kMax = int64_t{1} << 20;
  for (const int64_t dimension : {shape.channels, shape.height, shape.width}) {
    if (dimension < 1 || dimension > kMax) {
      throw data_error(fmt::format("samples of {} x {} x {}: each dimension must be 1 to {}",
                                   shape.channels, shape.height, shape.width, kMax));
    }
  }
  if (index.row_bytes() > uint64_t{1} << 30) throw data_error("samples of more than 1 GiB");
  if (dataset.train_rows == 0) throw data_error("the source has no training rows");
  uint64_t bytes = 0;
  if (__builtin_add_overflow(dataset.train_rows, dataset.test_rows, &bytes) ||
      __builtin_mul_overflow(bytes, index.row_bytes() + sizeof(int64_t), &bytes) ||
      bytes >> 62 != 0) {
    throw data_error(fmt::format("the source promises {} + {} rows, which no disk holds",
                                 dataset.train_rows, dataset.test_rows));
  }
  index.block_rows =
      dataset.block_rows > 0 ? dataset.block_rows : default_block_rows(index.row_bytes());
  index.train.rows = dataset.train_rows;
  index.test.rows = dataset.test_rows;
  return index;
}

std::unique_ptr<PendingFile> make_pending(const std::filesystem::path& destination) {
  std::error_code ignored;  // creating the file reports what is wrong
  if (destination.has_parent_path()) {
    std::filesystem::create_directories(destination.parent_path(), ignored);
  }
  auto pending = std::make_unique<PendingFile>(destination);
  pending->file().write_back_every(kWriteBackBytes);  // the disk works while rows are made
  return pending;
}

}  // namespace

struct Writer::State {
  State(const std::filesystem::path& destination, const NewDataset& dataset)
      : index(start_index(dataset)),
        pending(make_pending(destination)),
        hdf5(std::make_unique<Hdf5FileWriter>(pending->path(), index)),
        shuffle{Permutation(index.train.rows, mix(index.shuffle_seed, 0)),
                Permutation(index.test.rows, mix(index.shuffle_seed, 1))},
        statistics(index.element, index.shape) {
    for (const Split split : kSplits) {
      const auto s = static_cast<size_t>(split);
      labels[s].assign(index.split(split).rows, kUnset);
      checksums[s].resize(index.split(split).rows);
    }
  }

  void write_labels(Split split);
  void leave_out_dropped_rows();

  DatasetIndex index;
  std::unique_ptr<PendingFile> pending;
  std::unique_ptr<Hdf5FileWriter> hdf5;
  std::array<Permutation, 2> shuffle;              // from source row to place in the file
  std::array<std::vector<int64_t>, 2> labels;      // by place
  std::array<std::vector<uint32_t>, 2> checksums;  // by place: CRC32C of x of the row
  ChannelStatistics statistics;                    // of the training rows
  std::atomic<bool> has_dropped = false;
};

Writer::Writer(const std::filesystem::path& destination, const NewDataset& dataset)
    : state_(std::make_unique<State>(destination, dataset)) {}

Writer::~Writer() = default;

void Writer::set_class_names(std::vector<std::string> names) {
  state_->index.class_names = std::move(names);
}

void Writer::set_source_sha256(std::string sha256) {
  state_->index.source_sha256 = std::move(sha256);
}

void Writer::put(Split split, uint64_t row, const std::byte* x, int64_t label) {
  State& s = *state_;
  const auto i = static_cast<size_t>(split);
  if (row >= s.index.split(split).rows) {
    throw data_error(fmt::format("{}: row {} of {} was written", s.index.source, row,
                                 s.index.split(split).rows));
  }
  if (label < 0)
    throw data_error(fmt::format("{}: row {} has label {}", s.index.source, row, label));
  const uint64_t place = s.shuffle[i](row);
  const uint64_t row_bytes = s.index.row_bytes();
  s.pending->file().write_at(x, row_bytes, s.hdf5->x_offset(split) + place * row_bytes);
  s.labels[i][place] = label;
  s.checksums[i][place] = crc32c(x, row_bytes);
  if (split == Split::train) s.statistics.add(x);
}

void Writer::drop(Split split, uint64_t row) {
  State& s = *state_;
  const auto i = static_cast<size_t>(split);
  s.labels[i].at(s.shuffle[i](row)) = kDropped;
  s.has_dropped = true;
}

// A contiguous dataset cannot shrink, so the rows that are left move to a new file, in their order.
void Writer::State::leave_out_dropped_rows() {
  const std::filesystem::path destination = pending->destination();
  const std::array<uint64_t, 2> old_offset = {hdf5->x_offset(Split::train),
                                              hdf5->x_offset(Split::test)};
  for (const Split split : kSplits) {
    SplitIndex& own = index.split(split);
    const auto& row_labels = labels[static_cast<size_t>(split)];
    own.rows -= static_cast<uint64_t>(std::count(row_labels.begin(), row_labels.end(), kDropped));
  }
  if (index.train.rows == 0) throw data_error(index.source + ": no training row is left");
  auto next = make_pending(destination);
  auto next_hdf5 = std::make_unique<Hdf5FileWriter>(next->path(), index);
  const uint64_t row_bytes = index.row_bytes();
  const uint64_t step = std::max<uint64_t>(1, kCopyBytes / row_bytes);
  std::vector<std::byte> buffer(step * row_bytes);
  for (const Split split : kSplits) {
    const auto s = static_cast<size_t>(split);
    uint64_t kept = 0;
    const uint64_t rows = labels[s].size();
    for (uint64_t first = 0; first < rows;) {
      if (labels[s][first] == kDropped) {
        ++first;
        continue;
      }
      uint64_t end = first;
      while (end < rows && end - first < step && labels[s][end] != kDropped) ++end;
      const uint64_t bytes = (end - first) * row_bytes;
      pending->file().read_at(buffer.data(), bytes, old_offset[s] + first * row_bytes);
      next->file().write_at(buffer.data(), bytes, next_hdf5->x_offset(split) + kept * row_bytes);
      for (; first < end; ++first, ++kept) {
        labels[s][kept] = labels[s][first];
        checksums[s][kept] = checksums[s][first];
      }
    }
    labels[s].resize(kept);
    checksums[s].resize(kept);
  }
  hdf5 = std::move(next_hdf5);
  pending = std::move(next);
}

// Writes the labels of a split, and sets its piece with the checksums of all blocks.
void Writer::State::write_labels(Split split) {
  const auto s = static_cast<size_t>(split);
  SplitIndex& own = index.split(split);
  if (own.rows == 0) return;
  Piece piece;
  piece.rows = own.rows;
  piece.x_offset = hdf5->x_offset(split);
  piece.y_offset = hdf5->y_offset(split);
  const Crc32cShift shift(index.row_bytes());
  for (uint64_t first = 0; first < own.rows; first += index.block_rows) {
    const uint64_t end = std::min(own.rows, first + index.block_rows);
    uint32_t crc = 0;
    for (uint64_t i = first; i < end; ++i) {
      const int64_t label = labels[s][i];
      if (label == kUnset) {
        throw data_error(
            fmt::format("{}: a {} row was never written", index.source, name_of(split)));
      }
      if (static_cast<uint64_t>(label) >= index.class_names.size()) {
        throw data_error(fmt::format("{}: label {} where there are {} classes", index.source, label,
                                     index.class_names.size()));
      }
      crc = shift(crc) ^ checksums[s][i];
    }
    piece.x_crc32c.push_back(crc);
    piece.y_crc32c.push_back(crc32c(labels[s].data() + first, (end - first) * sizeof(int64_t)));
  }
  pending->file().write_at(labels[s].data(), own.rows * sizeof(int64_t), piece.y_offset);
  own.pieces.assign(1, std::move(piece));
}

DatasetIndex Writer::finish(const Progress& progress) {
  State& s = *state_;
  if (s.has_dropped) s.leave_out_dropped_rows();
  s.statistics.finish(s.index.train.rows, s.index);
  s.write_labels(Split::train);
  s.write_labels(Split::test);
  s.index.uuid = uuid_of(s.index);
  s.hdf5->finish(s.index, {{0, 0}, {s.index.train.rows, s.index.test.rows}});
  s.pending->file().sync();
  DatasetIndex index = open_dataset_unverified(s.pending->path());
  verify(index, progress);
  s.pending->commit();
  index.shards.front().path = std::filesystem::absolute(s.pending->destination()).string();
  return index;
}

}  // namespace ringtrain::datasets
