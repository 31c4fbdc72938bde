// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "datasets/importers/csv_table.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxClasses = 65536;

using Words = std::set<std::string, std::less<>>;

// Labels that are the numbers 0 .. n-1 keep them; others are numbered in sorted order and keep
// their names.
struct Classes {
  std::map<std::string, int64_t, std::less<>> label_of;
  std::vector<std::string> names;

  explicit Classes(const Words& words) {
    std::vector<std::pair<int64_t, std::string>> numbers;
    for (const std::string& word : words) {
      int64_t number = 0;
      if (parse_integer(word, number) && number >= 0) numbers.emplace_back(number, word);
    }
    std::sort(numbers.begin(), numbers.end());
    if (numbers.size() == words.size() &&
        numbers.back().first < static_cast<int64_t>(kMaxClasses)) {
      for (const auto& [number, word] : numbers) label_of.emplace(word, number);
      names = numbered_classes(static_cast<uint64_t>(numbers.back().first) + 1);
      return;
    }
    for (const std::string& word : words) {
      label_of.emplace(word, static_cast<int64_t>(names.size()));
      names.push_back(word);
    }
  }
};

// Counts the rows of a table and collects their labels.
uint64_t count_rows(CsvTable& table, Words& labels) {
  uint64_t rows = 0;
  table.for_each([&](const CsvRow& row, const CsvLines& lines) {
    if (labels.find(row.label) == labels.end()) {
      if (row.label.empty()) lines.refuse("has no label");
      if (labels.size() == kMaxClasses) {
        lines.refuse("more than 65536 classes; is this the column of the label?");
      }
      labels.emplace(row.label);
    }
    ++rows;
  });
  return rows;
}

void parse_features(const CsvRow& row, const CsvLines& lines, std::vector<float>& values) {
  for (size_t i = 0; i < row.features.size(); ++i) {
    if (!parse_float(row.features[i], values[i]) || !std::isfinite(values[i])) {
      lines.refuse(
          fmt::format("feature {} is '{}', not a finite number", i, row.features[i].substr(0, 40)));
    }
  }
}

Shape shape_of_samples(const CsvSources& sources, size_t features) {
  const Shape shape = sources.shape.value_or(Shape{1, 1, static_cast<int64_t>(features)});
  if (shape.elements() != static_cast<int64_t>(features)) {
    throw data_error(fmt::format("{}: {} features do not make samples of {} x {} x {}",
                                 sources.train.string(), features, shape.channels, shape.height,
                                 shape.width));
  }
  return shape;
}

}  // namespace

DatasetIndex import_csv(const CsvSources& sources, const std::filesystem::path& destination,
                        const ImportOptions& options) {
  CsvTable train(sources.train, sources.separator, sources.label);
  std::optional<CsvTable> test;
  if (sources.test) test.emplace(*sources.test, sources.separator, sources.label);
  if (test && test->features() != train.features()) {
    throw data_error(fmt::format("{} has {} features, {} has {}", sources.test->string(),
                                 test->features(), sources.train.string(), train.features()));
  }

  Words labels;
  const uint64_t train_rows = count_rows(train, labels);
  const uint64_t test_rows = test ? count_rows(*test, labels) : 0;
  if (train_rows == 0) throw data_error(sources.train.string() + ": has no rows");
  const Classes classes(labels);
  std::optional<SeededSplit> split;
  if (!test) split.emplace(train_rows, sources.test_share, options.shuffle_seed);

  NewDataset dataset = new_dataset(options, sources.train.string(), ElementType::f32,
                                   shape_of_samples(sources, train.features()));
  dataset.train_rows = split ? split->train_rows() : train_rows;
  dataset.test_rows = split ? split->test_rows() : test_rows;
  Writer writer(destination, dataset);
  writer.set_class_names(
      options.class_names.empty() ? classes.names : class_names_for(options, classes.names.size()));

  std::vector<float> values(train.features());
  uint64_t done = 0;
  const auto copy = [&](Split own, CsvTable& table, uint64_t rows) {
    table.for_each([&](const CsvRow& row, const CsvLines& lines) {
      parse_features(row, lines, values);
      const auto found = classes.label_of.find(row.label);
      if (found == classes.label_of.end() || row.number >= rows) {
        lines.refuse("the file changed while it was read");
      }
      SeededSplit::Place place{own, row.number};
      if (split) place = (*split)(row.number);
      writer.put(place.split, place.row, reinterpret_cast<const std::byte*>(values.data()),
                 found->second);
      if (options.progress && ++done % 4096 == 0) options.progress(done, train_rows + test_rows);
    });
  };
  copy(Split::train, train, train_rows);
  if (test) copy(Split::test, *test, test_rows);
  return writer.finish();
}

}  // namespace ringtrain::datasets
