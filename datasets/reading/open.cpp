// SPDX-License-Identifier: Apache-2.0
// open_dataset: from the datasets and attributes of one file, or of all part files, to a Plan.
#include "datasets/reading/open.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/format/hdf5_profile.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/reading/verify.hpp"

namespace ringtrain::datasets {
namespace {

// Above this, reading every byte at start would be felt.
constexpr uint64_t kVerifyAtOpen = uint64_t{256} << 20;
constexpr uint64_t kMaxClasses = uint64_t{1} << 20;
constexpr int64_t kMaxDimension = int64_t{1} << 20;
// A block is held in memory several times over.
constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 30;

using Kind = Hdf5Type::Kind;

// One file's plan and where its rows lie in the whole dataset.
struct Opened {
  Plan plan;
  uint64_t train_first = 0;
  uint64_t train_total = 0;
  uint64_t test_first = 0;
  uint64_t test_total = 0;
};

class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path)
      : file_(File::open_for_reading(path)), contents_(read_hdf5_profile(file_)) {}

  Opened read() {
    if (!contents_.attributes.contains(layout::kFormatVersion)) {
      refuse("not a ringtrain dataset; use: ringtrain dataset import hdf5");
    }
    const uint64_t version = number(layout::kFormatVersion);
    if (version != layout::kVersion) {
      refuse(
          fmt::format("has format version {}, this program reads {}", version, layout::kVersion));
    }
    Opened opened;
    Plan& plan = opened.plan;
    plan.uuid = text(layout::kUuid);
    plan.mean = floats(layout::kMean);
    plan.std = floats(layout::kStd);
    plan.source = text(layout::kSource);
    plan.source_sha256 = text(layout::kSourceSha256);
    plan.shuffle_seed = number(layout::kShuffleSeed);
    plan.block_rows = number(layout::kBlockRows);
    plan.part_index = static_cast<uint32_t>(number(layout::kPartIndex));
    plan.part_count = static_cast<uint32_t>(number(layout::kPartCount));
    opened.train_first = number(layout::kTrainFirstRow);
    opened.train_total = number(layout::kTrainTotalRows);
    opened.test_first = number(layout::kTestFirstRow);
    opened.test_total = number(layout::kTestTotalRows);
    plan.files.push_back({std::filesystem::absolute(file_.path()).string(), file_.size()});
    plan.class_names = class_names();
    set_shape(plan);
    plan.train = part(plan, Split::train);
    plan.test = part(plan, Split::test);
    if (plan.train.rows == 0) refuse("has no training rows");
    check_bounds(opened);
    return opened;
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw data_error(fmt::format("{}: {}", file_.path().string(), what));
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

  std::vector<std::string> class_names() const {
    const Hdf5Dataset& names = dataset(layout::kClassNames);
    if (names.type.kind != Kind::string || names.dims.size() != 1 || names.dims[0] == 0 ||
        names.dims[0] > kMaxClasses) {
      refuse(fmt::format("{} must be 1 to {} strings", layout::kClassNames, kMaxClasses));
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

  void set_shape(Plan& plan) const {
    const Hdf5Dataset& x = dataset(layout::path(Split::train, layout::kX));
    if (x.type.kind != Kind::u8 && x.type.kind != Kind::f32) refuse("/train/x must be u8 or f32");
    if (x.dims.size() != 4) refuse("/train/x must have the shape [rows, channels, height, width]");
    plan.element = x.type.kind == Kind::u8 ? Element::u8 : Element::f32;
    for (size_t i = 1; i < 4; ++i) {
      if (x.dims[i] == 0 || x.dims[i] > static_cast<uint64_t>(kMaxDimension)) {
        refuse(fmt::format("/train/x has a dimension of {}", x.dims[i]));
      }
    }
    plan.shape = {static_cast<int64_t>(x.dims[1]), static_cast<int64_t>(x.dims[2]),
                  static_cast<int64_t>(x.dims[3])};
    // Each dimension is at most 2^20, so this does not overflow.
    if (plan.row_bytes() > kMaxBlockBytes) refuse("/train/x has samples of more than 1 GiB");
    const auto channels = static_cast<size_t>(plan.shape.channels);
    if (plan.mean.size() != channels || plan.std.size() != channels) {
      refuse("mean and std must have one value per channel");
    }
    for (const float mean : plan.mean) {
      if (!std::isfinite(mean)) refuse("mean has a value that is not finite");
    }
    for (const float std : plan.std) {
      if (!std::isfinite(std) || std <= 0)
        refuse("std has a value that is not finite and positive");
    }
    if (plan.block_rows == 0 || plan.block_rows > kMaxBlockBytes / plan.row_bytes()) {
      refuse(fmt::format("block_rows is {}, which gives blocks of nothing or of more than 1 GiB",
                         plan.block_rows));
    }
  }

  Part part(const Plan& plan, Split split) const {
    const Hdf5Dataset& x = dataset(layout::path(split, layout::kX));
    const Hdf5Dataset& y = dataset(layout::path(split, layout::kY));
    const std::string x_path = layout::path(split, layout::kX);
    const auto dims = std::vector<uint64_t>{
        x.dims.empty() ? 0 : x.dims[0], static_cast<uint64_t>(plan.shape.channels),
        static_cast<uint64_t>(plan.shape.height), static_cast<uint64_t>(plan.shape.width)};
    const Kind kind = plan.element == Element::u8 ? Kind::u8 : Kind::f32;
    if (x.type.kind != kind || x.dims != dims) refuse(x_path + " does not fit /train/x");
    if (y.type.kind != Kind::i64 || y.dims != std::vector<uint64_t>{dims[0]}) {
      refuse(fmt::format("{} must be i64 and as long as x", layout::path(split, layout::kY)));
    }
    Part result;
    result.rows = dims[0];
    if (result.rows == 0) return result;
    Piece piece;
    piece.rows = result.rows;
    piece.x_offset = x.offset;
    piece.y_offset = y.offset;
    piece.x_crc32c = checksums(plan, split, layout::kXCrc32c, result.rows);
    piece.y_crc32c = checksums(plan, split, layout::kYCrc32c, result.rows);
    result.pieces.push_back(std::move(piece));
    return result;
  }

  std::vector<uint32_t> checksums(const Plan& plan, Split split, const char* name,
                                  uint64_t rows) const {
    const std::string path = layout::path(split, name);
    const Hdf5Dataset& found = dataset(path);
    const uint64_t blocks = (rows + plan.block_rows - 1) / plan.block_rows;
    if (found.type.kind != Kind::u32 || found.dims != std::vector<uint64_t>{blocks}) {
      refuse(fmt::format("{} must hold one u32 for each of the {} blocks", path, blocks));
    }
    std::vector<uint32_t> result(blocks);
    file_.read_at(result.data(), found.bytes, found.offset);
    return result;
  }

  void check_bounds(const Opened& opened) const {
    const Plan& plan = opened.plan;
    const auto outside = [&](uint64_t first, uint64_t rows, uint64_t total) {
      return rows > total || first > total - rows || (rows > 0 && first % plan.block_rows != 0);
    };
    if (plan.part_count == 0 || plan.part_index >= plan.part_count ||
        outside(opened.train_first, plan.train.rows, opened.train_total) ||
        outside(opened.test_first, plan.test.rows, opened.test_total)) {
      refuse("its place among the part files makes no sense");
    }
  }

  File file_;
  Hdf5Contents contents_;
};

void append(Part& whole, const Part& part, uint64_t first_row, uint64_t block_rows, uint32_t file,
            const std::string& path) {
  if (part.rows == 0) return;
  if (whole.rows != first_row || whole.rows % block_rows != 0) {
    throw data_error(
        fmt::format("{}: its rows begin at {} where {} is next: not one set of part files", path,
                    first_row, whole.rows));
  }
  whole.pieces.push_back(part.pieces.front());
  whole.pieces.back().first_row = first_row;
  whole.pieces.back().file = file;
  whole.rows += part.rows;
}

Plan open_directory(const std::filesystem::path& directory) {
  std::map<uint32_t, Opened> parts;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::filesystem::path& path = entry.path();
    // Temporary files of an unfinished split begin with a dot.
    if (path.extension() != ".h5" || path.filename().string().starts_with('.')) continue;
    Opened opened = FileReader(path).read();
    const uint32_t index = opened.plan.part_index;
    const auto [other, inserted] = parts.emplace(index, std::move(opened));
    if (!inserted) {
      throw data_error(fmt::format("{}: is part {} as {} is", path.string(), index,
                                   other->second.plan.files.front().path));
    }
  }
  if (parts.empty()) {
    throw data_error(fmt::format("{}: holds no .h5 files", directory.string()));
  }
  const Opened& first = parts.begin()->second;
  Plan plan = first.plan;
  plan.files.clear();
  plan.train = {};
  plan.test = {};
  plan.part_index = 0;
  plan.part_count = 1;
  if (parts.size() != first.plan.part_count) {
    throw data_error(fmt::format("{}: holds {} of {} part files", directory.string(), parts.size(),
                                 first.plan.part_count));
  }
  for (const auto& [index, part] : parts) {
    const Plan& p = part.plan;
    const std::string& path = p.files.front().path;
    if (p.uuid != plan.uuid || p.part_count != first.plan.part_count || p.element != plan.element ||
        p.shape != plan.shape || p.mean != plan.mean || p.std != plan.std ||
        p.class_names != plan.class_names || p.block_rows != plan.block_rows ||
        part.train_total != first.train_total || part.test_total != first.test_total) {
      throw data_error(fmt::format("{}: belongs to another dataset than {}", path,
                                   first.plan.files.front().path));
    }
    const auto file = static_cast<uint32_t>(plan.files.size());
    plan.files.push_back(p.files.front());
    append(plan.train, p.train, part.train_first, plan.block_rows, file, path);
    append(plan.test, p.test, part.test_first, plan.block_rows, file, path);
  }
  if (plan.train.rows != first.train_total || plan.test.rows != first.test_total) {
    throw data_error(fmt::format("{}: the part files hold {} + {} rows of {} + {}",
                                 directory.string(), plan.train.rows, plan.test.rows,
                                 first.train_total, first.test_total));
  }
  return plan;
}

}  // namespace

Plan open_dataset_unverified(const std::filesystem::path& path) {
  try {
    return std::filesystem::is_directory(path) ? open_directory(path)
                                               : FileReader(path).read().plan;
  } catch (const std::filesystem::filesystem_error& error) {
    throw data_error(fmt::format("{}: {}", path.string(), error.code().message()));
  }
}

Plan open_dataset(const std::filesystem::path& path) {
  Plan plan = open_dataset_unverified(path);
  if (plan.bytes(Split::train) + plan.bytes(Split::test) <= kVerifyAtOpen) verify(plan);
  return plan;
}

}  // namespace ringtrain::datasets
