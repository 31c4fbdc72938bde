// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/npz.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/printable.hpp"
#include "datasets/importers/archive_reader.hpp"
#include "datasets/importers/arrays/npy.hpp"
#include "datasets/importers/byte_source.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMostArrays = 100'000;
constexpr const char* kSuffix = ".npy";

void ignore_folder(const std::string&) {}

// The directory of a .zip lies at its end, followed by a record and a comment of up to 64 KiB. An
// archive without it was cut.
void require_end(const File& file) {
  constexpr uint64_t kMostBytes = 22 + 65535;
  std::string end(std::min(file.size(), kMostBytes), '\0');
  file.read_at(end.data(), end.size(), file.size() - end.size());
  if (end.find("PK\x05\x06") == std::string::npos) {
    throw data_error(file.path().string() + ": damaged: its end is missing");
  }
}

ArchiveReader open_archive(const std::filesystem::path& path) {
  const File file = File::open_for_reading(path);
  std::array<char, 4> magic{};
  if (file.size() >= magic.size()) file.read_at(magic.data(), magic.size(), 0);
  const std::string_view begin(magic.data(), magic.size());
  if (begin != "PK\x03\x04" && begin != std::string_view("PK\x05\x06")) {
    throw data_error(
        fmt::format("{}: not a .npz archive, as numpy.savez writes it{}", path.string(),
                    begin == "\x93NUM" ? "; a single array: ringtrain dataset import npy" : ""));
  }
  require_end(file);
  ArchiveReader reader(path.string(), {.max_entries = kMostArrays});
  reader.open_file(path);
  return reader;
}

// One file of the archive, unpacked as it is read.
class EntrySource : public ByteSource {
 public:
  EntrySource(const std::filesystem::path& path, const std::string& array)
      : ByteSource(fmt::format("{}: {}", path.string(), printable(array))),
        reader_(open_archive(path)) {
    while (reader_.next(ignore_folder)) {
      if (reader_.path() == array + kSuffix) return;
    }
    throw data_error(fmt::format("{}: changed while it was read", path.string()));
  }
  size_t read(void* data, size_t size) override { return reader_.read(data, size); }
  uint64_t most_bytes() const override { return reader_.most_bytes(); }

 private:
  ArchiveReader reader_;
};

}  // namespace

Npz::Npz(const std::filesystem::path& path) : path_(path) {
  ArchiveReader reader = open_archive(path);
  while (reader.next(ignore_folder)) {
    if (!reader.path().ends_with(kSuffix)) continue;
    std::string name = reader.path().substr(0, reader.path().size() - 4);
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      throw data_error(fmt::format("{}: holds the array {} twice", path.string(), printable(name)));
    }
    names_.push_back(std::move(name));
  }
  if (names_.empty()) throw data_error(path.string() + ": holds no .npy arrays");
}

std::string Npz::list() const {
  constexpr size_t kShown = 12;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, names_.size()); ++i) {
    text += (text.empty() ? "" : ", ") + printable(names_[i]).substr(0, 60);
  }
  return names_.size() > kShown ? text + ", ..." : text;
}

ArrayNames Npz::find(const ArrayNames& given) const {
  if (!given.train_x.empty() || !given.train_y.empty() || !given.test_x.empty() ||
      !given.test_y.empty()) {
    if (given.train_x.empty() || given.train_y.empty()) {
      throw job_error("--train-x and --train-y belong together");
    }
    if (given.test_x.empty() != given.test_y.empty()) {
      throw job_error("--test-x and --test-y belong together");
    }
    return given;
  }
  static const std::array<ArrayNames, 3> kUsual = {{{"x_train", "y_train", "x_test", "y_test"},
                                                    {"train_x", "train_y", "test_x", "test_y"},
                                                    {"x", "y", "", ""}}};
  const auto has = [&](const std::string& name) {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  };
  for (const ArrayNames& usual : kUsual) {
    if (!has(usual.train_x) || !has(usual.train_y)) continue;
    if (has(usual.test_x) && has(usual.test_y)) return usual;
    return {usual.train_x, usual.train_y, "", ""};
  }
  throw data_error(fmt::format("{}: holds {}: name samples and labels with --train-x and --train-y",
                               path_.string(), list()));
}

std::unique_ptr<ArraySource> Npz::open(const std::string& name) const {
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
    throw data_error(
        fmt::format("{}: has no array '{}', but {}", path_.string(), printable(name), list()));
  }
  return npy_source(std::make_unique<EntrySource>(path_, name));
}

}  // namespace ringtrain::datasets
