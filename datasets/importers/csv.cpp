// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/csv_labels.hpp"
#include "datasets/importers/csv_table.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

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
  TableCopy(Writer& writer, const ImportOptions& options, const std::optional<CsvClasses>& classes,
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
  const std::optional<CsvClasses>& classes_;
  const std::optional<SeededSplit>& split_;
  uint64_t total_;
  uint64_t done_ = 0;
  std::vector<float> features_;
  std::vector<float> targets_;
};

// Names the table and its columns of answers, for people who look at the dataset later.
std::string describe(const CsvTable& table, const CsvSources& sources) {
  std::string columns = table.answer_column(0);
  for (size_t i = 1; i < sources.targets.size(); ++i) columns += ", " + table.answer_column(i);
  return fmt::format("{}, {} in {}", sources.train.string(),
                     sources.targets.empty() ? "label" : "targets", columns);
}

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
  train.stop_after(options.limit);
  std::optional<CsvTable> test;
  if (sources.test) test.emplace(*sources.test, sources.separator, answers_of(sources));
  if (test) check_columns(train, *test, sources);

  CsvLabels labels;
  Targets targets;
  const bool has_targets = !sources.targets.empty();
  std::vector<int64_t> of_row;  // the labels, for a split by class
  const auto count = [&](CsvTable& table, Targets& range) {
    if (has_targets) return count_rows(table, range);
    return count_rows(table, labels, test ? nullptr : &of_row);
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
    refuse_missing(labels, name);
    require_two_classes(options, name, labels.words.size());
  }
  std::optional<SeededSplit> split;
  if (!test && has_targets) {
    split.emplace(train_rows, sources.test_share, options.shuffle_seed, name);
  } else if (!test) {
    split.emplace(of_row, sources.test_share, options.shuffle_seed, name);
  }
  if (split && options.keep_order) split->keep_order();
  of_row = {};  // memory
  Targets of_test;
  const uint64_t test_rows = test ? count(*test, of_test) : 0;
  if (test && !has_targets) refuse_missing(labels, sources.test->string());
  std::optional<CsvClasses> classes;
  if (!has_targets) {
    refuse_quantities(train, labels, train_rows + test_rows, name, !sources.label.empty());
    classes.emplace(labels);
  }

  NewDataset dataset = new_dataset(options, describe(train, sources), ElementType::f32,
                                   shape_of_samples(sources, train.features()));
  dataset.train_rows = split ? split->train_rows() : train_rows;
  dataset.test_rows = split ? split->test_rows() : test_rows;
  dataset.target_names = targets.names;
  Writer writer(destination, dataset);
  if (classes) {
    writer.set_class_names(names_for(options, *classes, name));
  }
  TableCopy copy(writer, options, classes, split, train_rows + test_rows);
  copy.run(Split::train, train, train_rows);
  if (test) copy.run(Split::test, *test, test_rows);
  return writer.finish();
}

}  // namespace ringtrain::datasets
