// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/writing/hdf5_file_writer.hpp"
#include "kernels/host_variants.hpp"
#include "net/sha256.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kBlockBytes = uint64_t{512} << 10;
constexpr uint64_t kCopyBytes = uint64_t{8} << 20;
constexpr uint64_t kWriteBackBytes = uint64_t{64} << 20;
constexpr int64_t kUnset = -1;
constexpr int64_t kDropped = -2;
__extension__ using Wide = unsigned __int128;

// From the contents, so that importing the same rows again gives the same dataset, and a job can
// resume with it.
std::string uuid_of(const Plan& plan) {
  net::Sha256 hash;
  const auto add = [&](const auto& values) {
    hash.add(values.data(), values.size() * sizeof(values[0]));
  };
  const std::array<uint64_t, 7> numbers = {static_cast<uint64_t>(plan.element),
                                           static_cast<uint64_t>(plan.shape.channels),
                                           static_cast<uint64_t>(plan.shape.height),
                                           static_cast<uint64_t>(plan.shape.width),
                                           plan.shuffle_seed,
                                           plan.train.rows,
                                           plan.test.rows};
  add(numbers);
  for (const Part* part : {&plan.train, &plan.test}) {
    for (const Piece& piece : part->pieces) {
      add(piece.x_crc32c);
      add(piece.y_crc32c);
    }
  }
  for (const std::string& name : plan.class_names) hash.add(name.c_str(), name.size() + 1);
  std::string text = hash.hexadecimal().substr(0, 32);
  text[12] = '8';  // version 8, RFC 9562: made of whatever its maker likes
  text[16] = "89ab"[text[16] % 4];
  for (const size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

// Sums of one channel over the training rows. u8: exact, in integers.
struct ChannelSums {
  uint64_t sum = 0;
  uint64_t squares = 0;
  double float_sum = 0;  // of value - shift: far smaller sums lose far fewer digits
  double float_squares = 0;
  double shift = 0;
};

RINGTRAIN_HOST_VARIANTS
void add_bytes(const uint8_t* values, size_t count, uint64_t& sum, uint64_t& squares) {
  // A 32-bit sum holds 2^16 squares of bytes.
  constexpr size_t kStep = 65536;
  for (size_t begin = 0; begin < count; begin += kStep) {
    uint32_t part_sum = 0;
    uint32_t part_squares = 0;
    const size_t end = std::min(count, begin + kStep);
    for (size_t i = begin; i < end; ++i) {
      const uint32_t value = values[i];
      part_sum += value;
      part_squares += value * value;
    }
    sum += part_sum;
    squares += part_squares;
  }
}

Plan start_plan(const NewDataset& dataset) {
  Plan plan;
  plan.element = dataset.element;
  plan.shape = dataset.shape;
  plan.source = dataset.source;
  plan.shuffle_seed = dataset.shuffle_seed;
  const Shape& shape = dataset.shape;
  constexpr int64_t kMax = int64_t{1} << 20;
  for (const int64_t dimension : {shape.channels, shape.height, shape.width}) {
    if (dimension < 1 || dimension > kMax) {
      throw data_error(fmt::format("samples of {} x {} x {}: each dimension must be 1 to {}",
                                   shape.channels, shape.height, shape.width, kMax));
    }
  }
  if (plan.row_bytes() > uint64_t{1} << 30) throw data_error("samples of more than 1 GiB");
  if (dataset.train_rows == 0) throw data_error("the source has no training rows");
  uint64_t bytes = 0;
  if (__builtin_add_overflow(dataset.train_rows, dataset.test_rows, &bytes) ||
      __builtin_mul_overflow(bytes, plan.row_bytes() + sizeof(int64_t), &bytes) ||
      bytes >> 62 != 0) {
    throw data_error(fmt::format("the source promises {} + {} rows, which no disk holds",
                                 dataset.train_rows, dataset.test_rows));
  }
  plan.block_rows =
      dataset.block_rows > 0 ? dataset.block_rows : default_block_rows(plan.row_bytes());
  plan.train.rows = dataset.train_rows;
  plan.test.rows = dataset.test_rows;
  return plan;
}

std::unique_ptr<PendingFile> make_pending(const std::filesystem::path& destination) {
  std::error_code ignored;  // what is in the way is told when the file is made
  if (destination.has_parent_path()) {
    std::filesystem::create_directories(destination.parent_path(), ignored);
  }
  auto pending = std::make_unique<PendingFile>(destination);
  pending->file().write_back_every(kWriteBackBytes);  // the disk works while rows are made
  return pending;
}

}  // namespace

uint64_t default_block_rows(uint64_t row_bytes) {
  // A power of two, for which the order inside a block needs no cycle-walking.
  return std::bit_floor(std::max<uint64_t>(1, kBlockBytes / row_bytes));
}

struct Writer::State {
  State(const std::filesystem::path& destination, const NewDataset& dataset)
      : plan(start_plan(dataset)),
        pending(make_pending(destination)),
        hdf5(std::make_unique<Hdf5FileWriter>(pending->path(), plan)),
        shuffle{Permutation(plan.train.rows, mix(plan.shuffle_seed, 0)),
                Permutation(plan.test.rows, mix(plan.shuffle_seed, 1))},
        sums(static_cast<size_t>(plan.shape.channels)) {
    for (const Split split : {Split::train, Split::test}) {
      const auto s = static_cast<size_t>(split);
      labels[s].assign(plan.part(split).rows, kUnset);
      checksums[s].resize(plan.part(split).rows);
    }
  }

  void add_to_sums(const std::byte* x);
  void set_mean_and_std();
  void write_labels(Split split);
  void leave_out_dropped_rows();

  Plan plan;
  std::unique_ptr<PendingFile> pending;
  std::unique_ptr<Hdf5FileWriter> hdf5;
  std::array<Permutation, 2> shuffle;              // from source row to place in the file
  std::array<std::vector<int64_t>, 2> labels;      // by place
  std::array<std::vector<uint32_t>, 2> checksums;  // by place: CRC32C of x of the row
  std::mutex sums_mutex;
  std::vector<ChannelSums> sums;
  bool shifted = false;
  std::atomic<bool> has_dropped = false;
};

Writer::Writer(const std::filesystem::path& destination, const NewDataset& dataset)
    : state_(std::make_unique<State>(destination, dataset)) {}

Writer::~Writer() = default;

void Writer::set_class_names(std::vector<std::string> names) {
  state_->plan.class_names = std::move(names);
}

void Writer::set_source_sha256(std::string sha256) {
  state_->plan.source_sha256 = std::move(sha256);
}

void Writer::put(Split split, uint64_t row, const std::byte* x, int64_t label) {
  State& s = *state_;
  const auto index = static_cast<size_t>(split);
  if (row >= s.plan.part(split).rows) {
    throw data_error(
        fmt::format("{}: row {} of {} was written", s.plan.source, row, s.plan.part(split).rows));
  }
  if (label < 0)
    throw data_error(fmt::format("{}: row {} has label {}", s.plan.source, row, label));
  const uint64_t place = s.shuffle[index](row);
  const uint64_t row_bytes = s.plan.row_bytes();
  s.pending->file().write_at(x, row_bytes, s.hdf5->x_offset(split) + place * row_bytes);
  s.labels[index][place] = label;
  s.checksums[index][place] = crc32c(x, row_bytes);
  if (split == Split::train) s.add_to_sums(x);
}

void Writer::drop(Split split, uint64_t row) {
  State& s = *state_;
  const auto index = static_cast<size_t>(split);
  s.labels[index].at(s.shuffle[index](row)) = kDropped;
  s.has_dropped = true;
}

// A contiguous dataset cannot shrink, so the rows that are left move to a new file, in their order.
void Writer::State::leave_out_dropped_rows() {
  const std::filesystem::path destination = pending->destination();
  const std::array<uint64_t, 2> old_offset = {hdf5->x_offset(Split::train),
                                              hdf5->x_offset(Split::test)};
  for (const Split split : {Split::train, Split::test}) {
    Part& part = split == Split::train ? plan.train : plan.test;
    const auto& row_labels = labels[static_cast<size_t>(split)];
    part.rows -= static_cast<uint64_t>(std::count(row_labels.begin(), row_labels.end(), kDropped));
  }
  if (plan.train.rows == 0) throw data_error(plan.source + ": no training row is left");
  auto next = std::make_unique<PendingFile>(destination);
  auto next_hdf5 = std::make_unique<Hdf5FileWriter>(next->path(), plan);
  const uint64_t row_bytes = plan.row_bytes();
  const uint64_t step = std::max<uint64_t>(1, kCopyBytes / row_bytes);
  std::vector<std::byte> buffer(step * row_bytes);
  for (const Split split : {Split::train, Split::test}) {
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

void Writer::State::add_to_sums(const std::byte* x) {
  const auto pixels = static_cast<size_t>(plan.shape.height * plan.shape.width);
  if (plan.element == Element::u8) {
    for (size_t c = 0; c < sums.size(); ++c) {
      uint64_t sum = 0;
      uint64_t squares = 0;
      add_bytes(reinterpret_cast<const uint8_t*>(x) + c * pixels, pixels, sum, squares);
      const std::lock_guard lock(sums_mutex);
      sums[c].sum += sum;
      sums[c].squares += squares;
    }
    return;
  }
  const std::lock_guard lock(sums_mutex);
  for (size_t c = 0; c < sums.size(); ++c) {
    const std::byte* p = x + c * pixels * sizeof(float);
    float value;
    if (!shifted) {
      std::memcpy(&value, p, sizeof value);
      sums[c].shift = std::isfinite(value) ? value : 0;
    }
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < pixels; ++i) {
      std::memcpy(&value, p + i * sizeof value, sizeof value);
      const double d = value - sums[c].shift;
      sum += d;
      squares += d * d;
    }
    sums[c].float_sum += sum;
    sums[c].float_squares += squares;
  }
  shifted = true;
}

void Writer::State::set_mean_and_std() {
  const double n = static_cast<double>(plan.train.rows) *
                   static_cast<double>(plan.shape.height * plan.shape.width);
  for (const ChannelSums& c : sums) {
    double mean = 0;
    double variance = 0;
    if (plan.element == Element::u8) {
      mean = static_cast<double>(c.sum) / n / 255;
      // n * squares - sum^2 in integers: exact, where a difference of rounded means is not.
      const auto count = static_cast<Wide>(plan.train.rows) *
                         static_cast<uint64_t>(plan.shape.height * plan.shape.width);
      const Wide scaled = count * c.squares - static_cast<Wide>(c.sum) * c.sum;
      variance = static_cast<double>(scaled) / n / n / 255 / 255;
    } else {
      const double d = c.float_sum / n;
      mean = c.shift + d;
      variance = std::max(0.0, c.float_squares / n - d * d);
    }
    auto std = static_cast<float>(std::sqrt(variance));
    if (!std::isfinite(mean) || !std::isfinite(std)) {
      throw data_error(
          fmt::format("{}: the training rows hold values that are not finite", plan.source));
    }
    if (std == 0) std = 1;  // a constant channel becomes zeros, not a division by zero
    plan.mean.push_back(static_cast<float>(mean));
    plan.std.push_back(std);
  }
}

// And the checksums of all blocks of the split.
void Writer::State::write_labels(Split split) {
  const auto s = static_cast<size_t>(split);
  Part& part = split == Split::train ? plan.train : plan.test;
  if (part.rows == 0) return;
  Piece piece;
  piece.rows = part.rows;
  piece.x_offset = hdf5->x_offset(split);
  piece.y_offset = hdf5->y_offset(split);
  const Crc32cShift shift(plan.row_bytes());
  for (uint64_t first = 0; first < part.rows; first += plan.block_rows) {
    const uint64_t end = std::min(part.rows, first + plan.block_rows);
    uint32_t crc = 0;
    for (uint64_t i = first; i < end; ++i) {
      const int64_t label = labels[s][i];
      if (label == kUnset) {
        throw data_error(
            fmt::format("{}: a {} row was never written", plan.source, name_of(split)));
      }
      if (static_cast<uint64_t>(label) >= plan.class_names.size()) {
        throw data_error(fmt::format("{}: label {} where there are {} classes", plan.source, label,
                                     plan.class_names.size()));
      }
      crc = shift(crc) ^ checksums[s][i];
    }
    piece.x_crc32c.push_back(crc);
    piece.y_crc32c.push_back(crc32c(labels[s].data() + first, (end - first) * sizeof(int64_t)));
  }
  pending->file().write_at(labels[s].data(), part.rows * sizeof(int64_t), piece.y_offset);
  part.pieces.assign(1, std::move(piece));
}

Plan Writer::finish(const Progress& progress) {
  State& s = *state_;
  if (s.has_dropped) s.leave_out_dropped_rows();
  s.set_mean_and_std();
  PartPlace place;
  place.total_rows = {s.plan.train.rows, s.plan.test.rows};
  s.write_labels(Split::train);
  s.write_labels(Split::test);
  s.plan.uuid = uuid_of(s.plan);
  s.hdf5->finish(s.plan, place);
  s.pending->file().sync();
  Plan plan = open_dataset_unverified(s.pending->path());
  verify(plan, progress);
  s.pending->commit();
  plan.files.front().path = std::filesystem::absolute(s.pending->destination()).string();
  return plan;
}

}  // namespace ringtrain::datasets
