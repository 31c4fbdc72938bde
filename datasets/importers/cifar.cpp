// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/cifar.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kPixels = uint64_t{3} * 32 * 32;
constexpr uint64_t kMaxBytes = uint64_t{256} << 20;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// The files of CIFAR-10 or CIFAR-100, read whole: 180 MB.
class CifarFiles {
 public:
  explicit CifarFiles(const std::filesystem::path& source) : tree_(source) {
    uint64_t total = 0;
    tree_.read(
        [&](const std::string& path, uint64_t) {
          const std::string name = base_name(path);
          pickles_ |= name == "data_batch_1" || name == "train";
          return name.ends_with(".bin") || name == "batches.meta.txt" ||
                 name == "fine_label_names.txt";
        },
        [&](const std::string& path, uint64_t, std::string& bytes) {
          total += bytes.size();
          if (total > kMaxBytes) throw data_error(tree_.name() + ": more data than CIFAR has");
          if (!files_.emplace(base_name(path), std::exchange(bytes, {})).second) {
            throw data_error(fmt::format("{}: holds {} twice", tree_.name(), base_name(path)));
          }
        });
    hundred_ = files_.contains("train.bin");
    if (hundred_) {
      names_ = {{{"train.bin"}, {"test.bin"}}};
    } else {
      names_ = {{{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                  "data_batch_5.bin"},
                 {"test_batch.bin"}}};
    }
  }

  uint64_t classes() const { return hundred_ ? 100 : 10; }

  // Returns the names that come with the images; empty if they are missing.
  std::vector<std::string> class_names() {
    return lines_of(files_[hundred_ ? "fine_label_names.txt" : "batches.meta.txt"]);
  }

  uint64_t rows(Split split) const {
    uint64_t rows = 0;
    for (const std::string& name : names(split)) rows += file(name).size() / record_bytes();
    return rows;
  }

  // Puts the first `rows` rows of a split. Calls done(rows so far) after each file. Returns the
  // labels seen.
  template <typename Done>
  std::set<uint64_t> put(Split split, uint64_t rows, Writer& writer, const Done& done) const {
    std::set<uint64_t> seen;
    uint64_t row = 0;
    for (const std::string& name : names(split)) {
      const std::string& bytes = file(name);
      for (size_t at = 0; at < bytes.size() && row < rows; at += record_bytes()) {
        const auto* record = reinterpret_cast<const std::byte*>(bytes.data() + at);
        const auto label = std::to_integer<uint64_t>(record[label_bytes() - 1]);
        if (label >= classes()) {
          throw data_error(fmt::format("{}: {}: image {} has label {}", tree_.name(), name,
                                       at / record_bytes(), label));
        }
        seen.insert(label);
        writer.put(split, row++, record + label_bytes(), static_cast<int64_t>(label));
      }
      done(row);
    }
    return seen;
  }

 private:
  // CIFAR-100 has a coarse label, then the fine one.
  uint64_t label_bytes() const { return hundred_ ? 2 : 1; }
  uint64_t record_bytes() const { return label_bytes() + kPixels; }
  const std::vector<std::string>& names(Split split) const {
    return names_[static_cast<size_t>(split)];
  }

  const std::string& file(const std::string& name) const {
    const auto found = files_.find(name);
    if (found == files_.end()) {
      throw data_error(fmt::format("{}: {} is missing{}", tree_.name(), name,
                                   pickles_
                                       ? "; this is the Python version, whose pickles can run any "
                                         "code: fetch the binary version"
                                       : ""));
    }
    if (found->second.empty() || found->second.size() % record_bytes() != 0) {
      throw data_error(fmt::format("{}: {} has {} bytes, which is not a whole number of images",
                                   tree_.name(), name, found->second.size()));
    }
    return found->second;
  }

  FileTree tree_;
  std::map<std::string, std::string> files_;  // contents by name
  bool pickles_ = false;                      // files of the Python version were seen
  bool hundred_ = false;
  std::array<std::vector<std::string>, 2> names_;  // by split
};

}  // namespace

DatasetIndex import_cifar(const std::filesystem::path& source,
                          const std::filesystem::path& destination, const ImportOptions& options) {
  CifarFiles files(source);
  NewDataset dataset = new_dataset(options, source.string(), ElementType::u8, {3, 32, 32});
  dataset.train_rows = limited(options, files.rows(Split::train));
  dataset.test_rows = files.rows(Split::test);
  Writer writer(destination, dataset);
  if (!options.class_names.empty() && options.class_names.size() != files.classes()) {
    throw job_error(fmt::format("--class-names: has {}, but {} has {} classes",
                                counted(options.class_names.size(), "name"), source.string(),
                                files.classes()));
  }
  auto names = files.class_names();
  if (names.size() != files.classes()) names = numbered_classes(files.classes());
  if (!options.class_names.empty()) {
    note_classes(options, names, options.class_names);
    names = options.class_names;
  }
  writer.set_class_names(names);
  for (const Split split : {Split::train, Split::test}) {
    const uint64_t before = split == Split::train ? 0 : dataset.train_rows;
    const uint64_t own = split == Split::train ? dataset.train_rows : dataset.test_rows;
    const auto seen = files.put(split, own, writer, [&](uint64_t rows) {
      if (options.progress) {
        options.progress(before + rows, dataset.train_rows + dataset.test_rows);
      }
    });
    if (split == Split::train) require_two_classes(options, source.string(), seen.size());
  }
  return writer.finish();
}

}  // namespace ringtrain::datasets
