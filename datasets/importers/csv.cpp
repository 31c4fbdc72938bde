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

void parse_features(const CsvTable& table, const CsvRow& row, const CsvLines& lines,
                    std::vector<float>& values) {
  for (size_t i = 0; i < row.features.size(); ++i) {
    if (!parse_float(row.features[i], values[i]) || !std::isfinite(values[i])) {
      lines.refuse(table.feature_column(i) + " " + table.why_no_number(row.features[i]));
    }
  }
}

// Counts the rows of a table and collects their labels.
uint64_t count_rows(CsvTable& table, Words& labels) {
  uint64_t rows = 0;
  std::vector<float> values(table.features());
  table.for_each([&](const CsvRow& row, const CsvLines& lines) {
    // A wrong separator or column is noticed before its labels are judged.
    if (rows == 0) parse_features(table, row, lines, values);
    if (labels.find(row.label) == labels.end()) {
      if (row.label.empty()) lines.refuse("has no label in " + table.label_column());
      if (labels.size() == kMaxClasses) {
        lines.refuse(
            fmt::format("more than {} classes in {}: ringtrain trains classifiers; name the "
                        "column of the classes with --label",
                        kMaxClasses, table.label_column()));
      }
      labels.emplace(row.label);
    }
    ++rows;
  });
  return rows;
}

// Refuses labels that are quantities: a classifier would take each value for a class.
void refuse_quantities(const CsvTable& table, const Words& labels, uint64_t rows,
                       const std::string& name) {
  constexpr size_t kFewValues = 20;
  bool whole = true;
  float largest = 0;
  for (const std::string& word : labels) {
    float value = 0;
    if (!parse_float(word, value)) return;
    whole = whole && value == std::floor(value);
    largest = std::max(largest, std::abs(value));
  }
  const bool many = labels.size() > kFewValues;
  const bool rarely_repeated = labels.size() > rows / 2;
  // Numbered classes leave few numbers out.
  const bool scattered = largest > 2 * static_cast<float>(labels.size());
  if (whole ? many && rarely_repeated && scattered : many || rarely_repeated) {
    throw data_error(fmt::format(
        "{}: {} has {} different numbers in {} rows, such as {}: ringtrain trains classifiers; "
        "name the column of the classes with --label",
        name, table.label_column(), labels.size(), rows, *labels.rbegin()));
  }
}

void check_columns(const CsvTable& train, const CsvTable& test, const CsvSources& sources) {
  if (test.features() != train.features()) {
    throw data_error(fmt::format("{} has {} features, {} has {}", sources.test->string(),
                                 test.features(), sources.train.string(), train.features()));
  }
  if (train.names().empty() || test.names().empty()) return;
  for (size_t i = 0; i < train.features(); ++i) {
    if (test.feature_name(i) == train.feature_name(i)) continue;
    throw data_error(fmt::format("{} has {} where {} has {}", sources.test->string(),
                                 test.feature_column(i), sources.train.string(),
                                 train.feature_column(i)));
  }
}

Shape shape_of_samples(const CsvSources& sources, size_t features) {
  const Shape shape = sources.shape.value_or(table_shape(features));
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
  if (test) check_columns(train, *test, sources);

  Words labels;
  const uint64_t train_rows = count_rows(train, labels);
  if (train_rows == 0) throw data_error(sources.train.string() + ": has no rows");
  require_two_classes(options, sources.train.string(), labels.size());
  const uint64_t test_rows = test ? count_rows(*test, labels) : 0;
  refuse_quantities(train, labels, train_rows + test_rows, sources.train.string());
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
      parse_features(table, row, lines, values);
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
