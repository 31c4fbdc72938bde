// SPDX-License-Identifier: Apache-2.0
// The half of ImageList that labels images by tables.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "datasets/importers/csv_labels.hpp"
#include "datasets/importers/image_list.hpp"
#include "datasets/importers/seeded_split.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMostClasses = 65536;

// A table's bytes, and the source that reads them.
struct OpenedTable {
  std::unique_ptr<std::string> bytes;  // of one inside the tree
  std::unique_ptr<ByteSource> source;
};

OpenedTable open_table(const FileTree& tree, const std::string& path) {
  std::error_code none;
  if (std::filesystem::exists(path, none)) return {nullptr, open_source(path)};
  OpenedTable table;
  tree.read([&](const std::string& inside, uint64_t) { return inside == path; },
            [&](const std::string&, uint64_t, std::string& bytes) {
              table.bytes = std::make_unique<std::string>(std::exchange(bytes, {}));
            });
  if (!table.bytes) {
    throw data_error(fmt::format("{}: no such file, and none in {}", path, tree.name()));
  }
  table.source = memory_source(fmt::format("{}: {}", tree.name(), path), *table.bytes);
  return table;
}

// Notes the labels of a table's rows. Throws a data error for what is no class.
void collect(const std::vector<LabelledImage>& rows, const std::string& table, CsvLabels& labels) {
  for (const LabelledImage& row : rows) {
    float value = 0;
    int64_t whole = 0;
    if (parse_float(row.label, value) && !parse_integer(row.label, whole)) {
      throw data_error(
          fmt::format("{}: the label '{}' is a decimal; classes are words or whole "
                      "numbers",
                      table, printable(row.label)));
    }
    if (labels.words.contains(row.label)) continue;
    if (labels.words.size() == kMostClasses) {
      throw data_error(
          fmt::format("{}: more than {} classes; --label-column names the column of "
                      "the labels",
                      table, kMostClasses));
    }
    labels.words.emplace(row.label, static_cast<int64_t>(labels.words.size()));
  }
}

}  // namespace

void ImageList::leave_out_unlabelled() {
  for (const Found& image : images_) {
    if (entries_[image.number].used) continue;
    left_out_.add_files(fmt::format("{}", fmt::join(image.path.begin(), image.path.end() - 1, "/")),
                        "unlabelled image");
  }
}

ImageList::ImageList(const FileTree& tree, const ImageTables& tables, double test_share,
                     uint64_t seed)
    : tree_name_(tree.name()), class_path_length_(1) {
  list(tree);
  require_images();
  ImageNames names;
  uint64_t last = 0;
  for (size_t i = 0; i < images_.size(); ++i) {
    names.add(fmt::format("{}", fmt::join(images_[i].path, "/")), i);
    last = std::max(last, images_[i].number);
  }
  entries_.resize(last + 1);

  CsvLabels labels;
  const auto read = [&](const std::string& path, uint64_t limit) {
    ImageTableOptions columns = tables.columns;
    columns.limit = limit;
    OpenedTable table = open_table(tree, path);
    auto rows = read_image_table(std::move(table.source), names, columns);
    collect(rows, path, labels);
    return rows;
  };
  const auto train = read(tables.train, tables.columns.limit);
  const size_t trained = labels.words.size();
  std::vector<LabelledImage> test;
  if (!tables.test.empty()) test = read(tables.test, 0);
  if (labels.words.size() != trained) {
    throw data_error(tables.test + ": has a class that no training row has");
  }
  const CsvClasses classes(labels);
  class_names_ = classes.names;

  std::vector<int64_t> of_train;
  for (const LabelledImage& row : train) of_train.push_back(classes.label_of.at(row.label));
  std::optional<SeededSplit> split;
  if (tables.test.empty()) split.emplace(of_train, test_share, seed, tables.train);
  for (size_t i = 0; i < train.size(); ++i) {
    use(images_[train[i].image], split ? (*split)(i).split : Split::train, of_train[i]);
  }
  for (const LabelledImage& row : test) {
    if (entries_[images_[row.image].number].used) {
      throw data_error(fmt::format(
          "{}: {} is a training row of {}", tables.test,
          printable(fmt::format("{}", fmt::join(images_[row.image].path, "/"))), tables.train));
    }
    use(images_[row.image], Split::test, classes.label_of.at(row.label));
  }
  leave_out_unlabelled();
  images_ = {};
}

}  // namespace ringtrain::datasets
