// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/mix.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/writing/channel_statistics.hpp"
#include "datasets/writing/hdf5_file_writer.hpp"
#include "datasets/writing/new_index.hpp"
#include "datasets/writing/target_statistics.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kCopyBytes = uint64_t{8} << 20;
constexpr uint64_t kWriteBackBytes = uint64_t{64} << 20;
constexpr std::array<Split, 2> kSplits = {Split::train, Split::test};
constexpr int64_t kUnset = -1;
constexpr int64_t kDropped = -2;

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
      targets[s].resize(index.split(split).rows * index.targets.names.size());
      checksums[s].resize(index.split(split).rows);
    }
  }

  uint64_t place_of(Split split, uint64_t row) const;
  void write_y(Split split);
  void leave_out_dropped_rows();

  DatasetIndex index;
  std::unique_ptr<PendingFile> pending;
  std::unique_ptr<Hdf5FileWriter> hdf5;
  std::array<Permutation, 2> shuffle;              // from source row to place in the file
  std::array<std::vector<int64_t>, 2> labels;      // by place; 0 in a row that has targets
  std::array<std::vector<float>, 2> targets;       // by place, [rows, targets]
  std::array<std::vector<uint32_t>, 2> checksums;  // by place: CRC32C of x of the row
  ChannelStatistics statistics;                    // of the training rows
  std::atomic<bool> has_dropped = false;
};

Writer::Writer(const std::filesystem::path& destination, const NewDataset& dataset)
    : state_(std::make_unique<State>(destination, dataset)) {}

Writer::~Writer() = default;

uint64_t Writer::State::place_of(Split split, uint64_t row) const {
  if (row >= index.split(split).rows) {
    throw data_error(
        fmt::format("{}: row {} of {} was written", index.source, row, index.split(split).rows));
  }
  if (index.shuffle_seed == layout::kSourceOrder) return row;
  return shuffle[static_cast<size_t>(split)](row);
}

void Writer::set_class_names(std::vector<std::string> names) {
  state_->index.class_names = std::move(names);
}

void Writer::set_source_sha256(std::string sha256) {
  state_->index.source_sha256 = std::move(sha256);
}

void Writer::put(Split split, uint64_t row, const std::byte* x, int64_t label) {
  State& s = *state_;
  RINGTRAIN_CHECK(!s.index.has_targets());
  const uint64_t place = s.place_of(split, row);
  if (label < 0)
    throw data_error(fmt::format("{}: row {} has label {}", s.index.source, row, label));
  put_x(split, place, x);
  s.labels[static_cast<size_t>(split)][place] = label;
}

void Writer::put(Split split, uint64_t row, const std::byte* x, std::span<const float> targets) {
  State& s = *state_;
  const auto& names = s.index.targets.names;
  RINGTRAIN_CHECK(!names.empty() && targets.size() == names.size());
  const uint64_t place = s.place_of(split, row);
  for (size_t k = 0; k < targets.size(); ++k) {
    if (std::isfinite(targets[k])) continue;
    throw data_error(fmt::format("{}: row {}: target {} is {}, not a finite number", s.index.source,
                                 row, names[k], targets[k]));
  }
  put_x(split, place, x);
  std::copy(targets.begin(), targets.end(),
            s.targets[static_cast<size_t>(split)].begin() +
                static_cast<std::ptrdiff_t>(place * targets.size()));
  s.labels[static_cast<size_t>(split)][place] = 0;
}

void Writer::put_x(Split split, uint64_t place, const std::byte* x) {
  State& s = *state_;
  const uint64_t row_bytes = s.index.row_bytes();
  s.pending->file().write_at(x, row_bytes, s.hdf5->x_offset(split) + place * row_bytes);
  s.checksums[static_cast<size_t>(split)][place] = crc32c(x, row_bytes);
  if (split == Split::train) s.statistics.add(x);
}

void Writer::drop(Split split, uint64_t row) {
  State& s = *state_;
  const auto i = static_cast<size_t>(split);
  s.labels[i].at(s.place_of(split, row)) = kDropped;
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
        const size_t own = index.targets.names.size();
        std::copy_n(targets[s].begin() + static_cast<std::ptrdiff_t>(first * own), own,
                    targets[s].begin() + static_cast<std::ptrdiff_t>(kept * own));
      }
    }
    labels[s].resize(kept);
    checksums[s].resize(kept);
    targets[s].resize(kept * index.targets.names.size());
  }
  hdf5 = std::move(next_hdf5);
  pending = std::move(next);
}

// Writes the labels or targets of a split, and sets its piece with the checksums of all blocks.
void Writer::State::write_y(Split split) {
  const auto s = static_cast<size_t>(split);
  SplitIndex& own = index.split(split);
  if (own.rows == 0) return;
  Piece piece;
  piece.rows = own.rows;
  piece.x_offset = hdf5->x_offset(split);
  piece.y_offset = hdf5->y_offset(split);
  const auto* y = index.has_targets() ? reinterpret_cast<const std::byte*>(targets[s].data())
                                      : reinterpret_cast<const std::byte*>(labels[s].data());
  const uint64_t y_bytes = index.y_bytes();
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
      if (!index.has_targets() && static_cast<uint64_t>(label) >= index.class_names.size()) {
        throw data_error(
            fmt::format("{}: label {} where there {}", index.source, label,
                        index.class_names.size() == 1
                            ? "is 1 class"
                            : fmt::format("are {} classes", index.class_names.size())));
      }
      crc = shift(crc) ^ checksums[s][i];
    }
    piece.x_crc32c.push_back(crc);
    piece.y_crc32c.push_back(crc32c(y + first * y_bytes, (end - first) * y_bytes));
  }
  pending->file().write_at(y, own.rows * y_bytes, piece.y_offset);
  own.pieces.assign(1, piece);
}

DatasetIndex Writer::finish(const Progress& progress) {
  State& s = *state_;
  if (s.has_dropped) s.leave_out_dropped_rows();
  DatasetIndex own = s.index;
  s.statistics.finish(s.index.train.rows, own);  // refuses values that are not finite
  const bool given_statistics = !s.index.mean.empty();
  if (!given_statistics) {
    s.index.mean = own.mean;
    s.index.std = own.std;
  }
  s.write_y(Split::train);
  s.write_y(Split::test);
  set_target_statistics(s.targets[0], s.targets[1], s.index);
  s.index.uuid = uuid_of(s.index, given_statistics);
  s.hdf5->finish(s.index, {{0, 0}, {s.index.train.rows, s.index.test.rows}});
  s.pending->file().sync();
  DatasetIndex index = open_dataset_unverified(s.pending->path());
  verify(index, progress);
  s.pending->commit();
  index.shards.front().path = std::filesystem::absolute(s.pending->destination()).string();
  return index;
}

}  // namespace ringtrain::datasets
