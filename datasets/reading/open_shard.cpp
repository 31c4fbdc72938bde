// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/open_shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "datasets/format/hdf5_profile.hpp"
#include "datasets/format/layout.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMaxClasses = uint64_t{1} << 20;
constexpr int64_t kMaxDimension = int64_t{1} << 20;
// A block is held in memory several times over.
constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 30;

using Kind = Hdf5Type::Kind;

class ShardReader {
 public:
  ShardReader(const storage::Source& file, std::string path)
      : file_(file), path_(std::move(path)), contents_(read_hdf5_profile(file_)) {}

  OpenedShard read() {
    if (!contents_.attributes.contains(layout::kFormatVersion)) {
      refuse("not a ringtrain dataset; use: ringtrain dataset import hdf5");
    }
    const uint64_t version = number(layout::kFormatVersion);
    if (version < 1 || version > layout::kVersion) {
      refuse(fmt::format("has format version {}, this program reads 1 to {}", version,
                         layout::kVersion));
    }
    OpenedShard opened;
    DatasetIndex& index = opened.index;
    index.uuid = text(layout::kUuid);
    index.mean = floats(layout::kMean);
    index.std = floats(layout::kStd);
    index.source = text(layout::kSource);
    index.source_sha256 = text(layout::kSourceSha256);
    index.shuffle_seed = number(layout::kShuffleSeed);
    index.block_rows = number(layout::kBlockRows);
    index.shard_index = static_cast<uint32_t>(number(layout::kShardIndex));
    index.shard_count = static_cast<uint32_t>(number(layout::kShardCount));
    opened.place = {{number(layout::kTrainFirstRow), number(layout::kTestFirstRow)},
                    {number(layout::kTrainTotalRows), number(layout::kTestTotalRows)}};
    index.shards.push_back({path_, file_.size(), file_.etag()});
    if (contents_.datasets.contains(layout::kTargetNames)) {
      index.targets = targets();
    } else {
      index.class_names = names(layout::kClassNames, kMaxClasses);
    }
    set_shape(index);
    index.train = split_index(index, Split::train);
    index.test = split_index(index, Split::test);
    if (index.train.rows == 0) refuse("has no training rows");
    check_bounds(opened);
    return opened;
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw data_error(fmt::format("{}: {}", file_.name(), what));
  }

  const Hdf5Attribute& attribute(const char* name, Kind kind, size_t rank) const {
    const auto found = contents_.attributes.find(name);
    if (found == contents_.attributes.end()) refuse(fmt::format("attribute {} is missing", name));
    if (found->second.type.kind != kind || found->second.dims.size() != rank) {
      refuse(fmt::format("attribute {} has the wrong type or shape", name));
    }
    return found->second;
  }

  uint64_t number(const char* name) const {
    uint64_t value = 0;
    std::memcpy(&value, attribute(name, Kind::u64, 0).bytes.data(), sizeof value);
    return value;
  }

  std::string text(const char* name) const {
    const std::string& bytes = attribute(name, Kind::string, 0).bytes;
    return {bytes.data(), ::strnlen(bytes.data(), bytes.size())};
  }

  std::vector<float> floats(const char* name) const {
    const auto large = contents_.datasets.find(std::string("/") + name);
    if (large != contents_.datasets.end()) {
      const Hdf5Dataset& found = large->second;
      if (found.type.kind != Kind::f32 || found.dims.size() != 1 ||
          found.dims[0] > static_cast<uint64_t>(kMaxDimension)) {
        refuse(fmt::format("dataset /{} has the wrong type or shape", name));
      }
      std::vector<float> values(found.dims[0]);
      file_.read_at(values.data(), found.bytes, found.offset);
      return values;
    }
    const Hdf5Attribute& found = attribute(name, Kind::f32, 1);
    std::vector<float> values(found.dims[0]);
    std::memcpy(values.data(), found.bytes.data(), found.bytes.size());
    return values;
  }

  const Hdf5Dataset& dataset(const std::string& path) const {
    const auto found = contents_.datasets.find(path);
    if (found == contents_.datasets.end()) refuse(fmt::format("dataset {} is missing", path));
    return found->second;
  }

  std::vector<std::string> names(const char* path, uint64_t most) const {
    const Hdf5Dataset& names = dataset(path);
    if (names.type.kind != Kind::string || names.dims.size() != 1 || names.dims[0] == 0 ||
        names.dims[0] > most) {
      refuse(fmt::format("{} must be 1 to {} strings", path, most));
    }
    std::string bytes(names.bytes, '\0');
    file_.read_at(bytes.data(), bytes.size(), names.offset);
    std::vector<std::string> result;
    for (size_t i = 0; i < names.dims[0]; ++i) {
      const char* name = bytes.data() + i * names.type.size;
      result.emplace_back(name, ::strnlen(name, names.type.size));
    }
    return result;
  }

  Targets targets() const {
    Targets targets;
    targets.names = names(layout::kTargetNames, layout::kMostTargets);
    targets.mean = floats(layout::kTargetMean);
    targets.std = floats(layout::kTargetStd);
    targets.least = floats(layout::kTargetLeast);
    targets.largest = floats(layout::kTargetLargest);
    for (const auto* values : {&targets.mean, &targets.std, &targets.least, &targets.largest}) {
      const bool finite = std::all_of(values->begin(), values->end(),
                                      [](float value) { return std::isfinite(value); });
      if (values->size() != targets.names.size() || !finite) {
        refuse("target_mean, _std, _min and _max must be finite, with one value per target");
      }
    }
    for (const float std : targets.std) {
      if (std <= 0) refuse("target_std has a value that is not positive");
    }
    if (std::set(targets.names.begin(), targets.names.end()).size() != targets.names.size()) {
      refuse("two targets have the same name");
    }
    return targets;
  }

  ElementType element_of(const Hdf5Dataset& x) const {
    if (x.type.kind == Kind::u8) return ElementType::u8;
    if (x.type.kind == Kind::f32) return ElementType::f32;
    if (x.type.kind == Kind::i64) return ElementType::i64;
    refuse("/train/x must be u8, f32 or i64");
  }

  void set_shape(DatasetIndex& index) const {
    const Hdf5Dataset& x = dataset(layout::path(Split::train, layout::kX));
    index.element = element_of(x);
    if (x.dims.size() != 4) refuse("/train/x must have the shape [rows, channels, height, width]");
    for (size_t i = 1; i < 4; ++i) {
      if (x.dims[i] == 0 || x.dims[i] > static_cast<uint64_t>(kMaxDimension)) {
        refuse(fmt::format("/train/x has a dimension of {}; each must be 1 to {}", x.dims[i],
                           kMaxDimension));
      }
    }
    index.shape = {static_cast<int64_t>(x.dims[1]), static_cast<int64_t>(x.dims[2]),
                   static_cast<int64_t>(x.dims[3])};
    // Each dimension is at most 2^20, so this does not overflow.
    if (index.row_bytes() > kMaxBlockBytes) refuse("/train/x has samples of more than 1 GiB");
    const auto channels = static_cast<size_t>(index.shape.channels);
    if (index.mean.size() != channels || index.std.size() != channels) {
      refuse("mean and std must have one value per channel");
    }
    for (const float mean : index.mean) {
      if (!std::isfinite(mean)) refuse("mean has a value that is not finite");
    }
    for (const float std : index.std) {
      if (!std::isfinite(std) || std <= 0)
        refuse("std has a value that is not finite and positive");
    }
    const uint64_t largest = std::max(index.row_bytes(), index.y_bytes());
    if (index.block_rows == 0 || index.block_rows > kMaxBlockBytes / largest) {
      refuse(fmt::format("block_rows is {}, which gives blocks of nothing or of more than 1 GiB",
                         index.block_rows));
    }
  }

  SplitIndex split_index(const DatasetIndex& index, Split split) const {
    const Hdf5Dataset& x = dataset(layout::path(split, layout::kX));
    const Hdf5Dataset& y = dataset(layout::path(split, layout::kY));
    const std::string x_path = layout::path(split, layout::kX);
    const auto dims = std::vector<uint64_t>{
        x.dims.empty() ? 0 : x.dims[0], static_cast<uint64_t>(index.shape.channels),
        static_cast<uint64_t>(index.shape.height), static_cast<uint64_t>(index.shape.width)};
    const Kind kind = dataset(layout::path(Split::train, layout::kX)).type.kind;
    if (x.type.kind != kind || x.dims != dims) refuse(x_path + " does not fit /train/x");
    check_y(index, y, dims[0], layout::path(split, layout::kY));
    SplitIndex result;
    result.rows = dims[0];
    if (result.rows == 0) return result;
    Piece piece;
    piece.rows = result.rows;
    piece.x_offset = x.offset;
    piece.y_offset = y.offset;
    piece.x_crc32c = checksums(index, split, layout::kXCrc32c, result.rows);
    piece.y_crc32c = checksums(index, split, layout::kYCrc32c, result.rows);
    result.pieces.push_back(std::move(piece));
    return result;
  }

  void check_y(const DatasetIndex& index, const Hdf5Dataset& y, uint64_t rows,
               const std::string& path) const {
    const uint64_t targets = index.targets.names.size();
    if (targets == 0 && (y.type.kind != Kind::i64 || y.dims != std::vector{rows})) {
      refuse(path + " must be i64 and as long as x");
    }
    if (targets > 0 && (y.type.kind != Kind::f32 || y.dims != std::vector{rows, targets})) {
      refuse(fmt::format("{} must be f32 [{}, {}]", path, rows, targets));
    }
  }

  std::vector<uint32_t> checksums(const DatasetIndex& index, Split split, const char* name,
                                  uint64_t rows) const {
    const std::string path = layout::path(split, name);
    const Hdf5Dataset& found = dataset(path);
    const uint64_t blocks = (rows + index.block_rows - 1) / index.block_rows;
    if (found.type.kind != Kind::u32 || found.dims != std::vector<uint64_t>{blocks}) {
      refuse(fmt::format("{} must hold one u32 for each of the {} blocks", path, blocks));
    }
    std::vector<uint32_t> result(blocks);
    file_.read_at(result.data(), found.bytes, found.offset);
    return result;
  }

  void check_bounds(const OpenedShard& opened) const {
    const DatasetIndex& index = opened.index;
    const auto outside = [&](Split split) {
      const uint64_t rows = index.split(split).rows;
      const uint64_t first = opened.place.first_row[static_cast<size_t>(split)];
      const uint64_t total = opened.place.total_rows[static_cast<size_t>(split)];
      return rows > total || first > total - rows || (rows > 0 && first % index.block_rows != 0);
    };
    if (index.shard_count == 0 || index.shard_index >= index.shard_count || outside(Split::train) ||
        outside(Split::test)) {
      refuse("its position among the shards is impossible");
    }
  }

  const storage::Source& file_;
  const std::string path_;
  const Hdf5Contents contents_;
};

}  // namespace

OpenedShard open_shard(const std::filesystem::path& path) {
  return open_shard(*storage::open_file(path), std::filesystem::absolute(path).string());
}

OpenedShard open_shard(const storage::Source& file, const std::string& path) {
  return ShardReader(file, path).read();
}

}  // namespace ringtrain::datasets
