// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
    const std::string_view label = row.answers.front();
    if (!labels.contains(label)) {
      if (label.empty()) lines.refuse("has no label in " + table.answer_column(0));
      if (labels.size() == kMaxClasses) {
        lines.refuse(fmt::format(
            "more than {} classes in {}: name a number to predict with --target, or the column of "
            "the classes with --label",
            kMaxClasses, table.answer_column(0)));
      }
      labels.emplace(label);
    }
    ++rows;
  });
  return rows;
}

void parse_targets(const CsvTable& table, const CsvRow& row, const CsvLines& lines,
                   std::vector<float>& values) {
  values.resize(row.answers.size());
  for (size_t i = 0; i < row.answers.size(); ++i) {
    if (!parse_float(row.answers[i], values[i]) || !std::isfinite(values[i])) {
      lines.refuse(table.answer_column(i) + " " + table.why_no_number(row.answers[i]));
    }
  }
}

// Counts the rows of a table and finds the range of each target.
uint64_t count_rows(CsvTable& table, Targets& targets) {
  uint64_t rows = 0;
  std::vector<float> features(table.features());
  std::vector<float> values;
  table.for_each([&](const CsvRow& row, const CsvLines& lines) {
    if (rows == 0) parse_features(table, row, lines, features);
    parse_targets(table, row, lines, values);
    if (rows == 0) targets.least = targets.largest = values;
    for (size_t i = 0; i < values.size(); ++i) {
      targets.least[i] = std::min(targets.least[i], values[i]);
      targets.largest[i] = std::max(targets.largest[i], values[i]);
    }
    ++rows;
  });
  return rows;
}

// Refuses labels that are quantities: a classifier would take each value for a class. named: the
// user has said that this is the column of the labels.
void refuse_quantities(const CsvTable& table, const Words& labels, uint64_t rows,
                       const std::string& file, bool named) {
  constexpr size_t kFewValues = 20;
  bool whole = true;
  float least = std::numeric_limits<float>::max();
  float largest = std::numeric_limits<float>::lowest();
  for (const std::string& word : labels) {
    float value = 0;
    if (!parse_float(word, value)) return;
    whole = whole && value == std::floor(value);
    least = std::min(least, value);
    largest = std::max(largest, value);
  }
  const auto count = static_cast<float>(labels.size());
  const bool many = labels.size() > kFewValues;
  const bool rarely_repeated = labels.size() > rows / 2;
  // Numbered classes leave few numbers out.
  const bool scattered = std::max(largest, -least) > 2 * count;
  // Numbers of classes begin at 0 or 1 and leave none out.
  const bool consecutive = (least == 0 || least == 1) && largest - least + 1 == count;
  const bool quantities = whole
                              ? many && ((rarely_repeated && scattered) || (!named && !consecutive))
                              : many || rarely_repeated;
  if (!quantities) return;
  throw data_error(fmt::format(
      "{}: {} has {} different numbers in {} rows, such as {}: name a number to predict with "
      "--target, or the column of the classes with --label",
      file, table.answer_column(0), labels.size(), rows, *labels.rbegin()));
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

// The second pass over the tables, which puts their rows into the dataset.
class TableCopy {
 public:
  // classes: none for rows with targets. split: none if there is a table of test rows.
  TableCopy(Writer& writer, const ImportOptions& options, const std::optional<Classes>& classes,
            const std::optional<SeededSplit>& split, uint64_t total)
      : writer_(writer), options_(options), classes_(classes), split_(split), total_(total) {}

  // rows: as counted in the first pass.
  void run(Split own, CsvTable& table, uint64_t rows) {
    features_.resize(table.features());
    table.for_each([&](const CsvRow& row, const CsvLines& lines) {
      parse_features(table, row, lines, features_);
      if (row.number >= rows) refuse_change(lines);
      SeededSplit::Place place{own, row.number};
      if (split_) place = (*split_)(row.number);
      const auto* x = reinterpret_cast<const std::byte*>(features_.data());
      if (classes_) {
        const auto found = classes_->label_of.find(row.answers.front());
        if (found == classes_->label_of.end()) refuse_change(lines);
        writer_.put(place.split, place.row, x, found->second);
      } else {
        parse_targets(table, row, lines, targets_);
        writer_.put(place.split, place.row, x, targets_);
      }
      if (options_.progress && ++done_ % 4096 == 0) options_.progress(done_, total_);
    });
  }

 private:
  [[noreturn]] static void refuse_change(const CsvLines& lines) {
    lines.refuse("the file changed while it was read");
  }

  Writer& writer_;
  const ImportOptions& options_;
  const std::optional<Classes>& classes_;
  const std::optional<SeededSplit>& split_;
  uint64_t total_;
  uint64_t done_ = 0;
  std::vector<float> features_;
  std::vector<float> targets_;
};

CsvAnswers answers_of(const CsvSources& sources) {
  if (!sources.targets.empty()) return {sources.targets, "--target"};
  if (sources.label.empty()) return {};
  return {{sources.label}};
}

}  // namespace

DatasetIndex import_csv(const CsvSources& sources, const std::filesystem::path& destination,
                        const ImportOptions& options) {
  const std::string name = sources.train.string();
  CsvTable train(sources.train, sources.separator, answers_of(sources));
  std::optional<CsvTable> test;
  if (sources.test) test.emplace(*sources.test, sources.separator, answers_of(sources));
  if (test) check_columns(train, *test, sources);

  Words labels;
  Targets targets;
  const bool has_targets = !sources.targets.empty();
  const auto count = [&](CsvTable& table, Targets& range) {
    return has_targets ? count_rows(table, range) : count_rows(table, labels);
  };
  const uint64_t train_rows = count(train, targets);
  if (train_rows == 0) throw data_error(name + ": has no rows");
  if (has_targets) {
    refuse_class_names(options);
    for (size_t i = 0; i < targets.least.size(); ++i) {
      require_two_values(options, name, train.answer_column(i), targets.least[i],
                         targets.largest[i]);
      targets.names.push_back(train.answer_name(i));
    }
  } else {
    require_two_classes(options, name, labels.size());
  }
  Targets of_test;
  const uint64_t test_rows = test ? count(*test, of_test) : 0;
  std::optional<Classes> classes;
  if (!has_targets) {
    refuse_quantities(train, labels, train_rows + test_rows, name, !sources.label.empty());
    classes.emplace(labels);
  }
  std::optional<SeededSplit> split;
  if (!test) split.emplace(train_rows, sources.test_share, options.shuffle_seed);

  NewDataset dataset =
      new_dataset(options, name, ElementType::f32, shape_of_samples(sources, train.features()));
  dataset.train_rows = split ? split->train_rows() : train_rows;
  dataset.test_rows = split ? split->test_rows() : test_rows;
  dataset.target_names = targets.names;
  Writer writer(destination, dataset);
  if (classes) {
    writer.set_class_names(options.class_names.empty()
                               ? classes->names
                               : class_names_for(options, classes->names.size()));
  }
  TableCopy copy(writer, options, classes, split, train_rows + test_rows);
  copy.run(Split::train, train, train_rows);
  if (test) copy.run(Split::test, *test, test_rows);
  return writer.finish();
}

}  // namespace ringtrain::datasets
