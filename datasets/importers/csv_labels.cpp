// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv_labels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxClasses = 65536;

}  // namespace

CsvClasses::CsvClasses(const CsvLabels& labels) {
  const auto& words = labels.words;
  std::vector<std::pair<int64_t, std::string>> numbers;
  for (const auto& [word, order] : words) {
    int64_t number = 0;
    if (parse_integer(word, number) && number >= 0) numbers.emplace_back(number, word);
  }
  std::sort(numbers.begin(), numbers.end());
  if (numbers.size() == words.size() && numbers.back().first < static_cast<int64_t>(kMaxClasses)) {
    for (const auto& [number, word] : numbers) label_of.emplace(word, number);
    names = numbered_classes(static_cast<uint64_t>(numbers.back().first) + 1);
    return;
  }
  for (const auto& [word, order] : words) {
    label_of.emplace(word, static_cast<int64_t>(names.size()));
    names.push_back(word);
  }
}

void parse_features(const CsvTable& table, const CsvRow& row, const CsvLines& lines,
                    std::vector<float>& values) {
  for (size_t i = 0; i < row.features.size(); ++i) {
    if (!parse_float(row.features[i], values[i]) || !std::isfinite(values[i])) {
      lines.refuse(table.feature_column(i) + " " + table.why_no_number(row.features[i]));
    }
  }
}

uint64_t count_rows(CsvTable& table, CsvLabels& labels, std::vector<int64_t>* of_row) {
  uint64_t rows = 0;
  std::vector<float> values(table.features());
  table.for_each([&](const CsvRow& row, const CsvLines& lines) {
    // A wrong separator or column is noticed before its labels are judged.
    if (rows == 0) parse_features(table, row, lines, values);
    const std::string_view label = row.answers.front();
    auto found = labels.words.find(label);
    if (found == labels.words.end()) {
      if (label.empty()) {
        lines.refuse("has no label in " + table.answer_column(0) +
                     ": fill the cell or leave the line out");
      }
      if (labels.words.size() == kMaxClasses) {
        lines.refuse(fmt::format(
            "more than {} classes in {}: name a number to predict with --target, or the column of "
            "the classes with --label",
            kMaxClasses, table.answer_column(0)));
      }
      if (is_missing(label) && labels.missing.empty()) {
        labels.missing =
            fmt::format("line {}: {} is '{}'", lines.number(), table.answer_column(0), label);
      }
      found = labels.words.emplace(label, static_cast<int64_t>(labels.words.size())).first;
    }
    if (of_row != nullptr) of_row->push_back(found->second);
    ++rows;
  });
  return rows;
}

void refuse_missing(const CsvLabels& labels, const std::string& file) {
  if (labels.missing.empty()) return;
  float value = 0;
  for (const auto& [word, order] : labels.words) {
    if (!is_missing(word) && !parse_float(word, value)) return;
  }
  throw data_error(fmt::format(
      "{}: {}, a missing value where the other labels are numbers: fill the cell or leave the line "
      "out",
      file, labels.missing));
}

void refuse_quantities(const CsvTable& table, const CsvLabels& found, uint64_t rows,
                       const std::string& file, bool named) {
  const auto& labels = found.words;
  constexpr size_t kFewValues = 20;
  bool whole = true;
  float least = std::numeric_limits<float>::max();
  float largest = std::numeric_limits<float>::lowest();
  for (const auto& [word, order] : labels) {
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
      "{}: {} has {} different numbers in {}, such as {}: name a number to predict with "
      "--target, or the column of the classes with --label",
      file, table.answer_column(0), labels.size(), counted(rows, "row"), labels.rbegin()->first));
}

std::vector<std::string> names_for(const ImportOptions& options, const CsvClasses& classes,
                                   const std::string& file) {
  if (options.class_names.empty()) {
    note_classes(options, classes.names, classes.names);
    return classes.names;
  }
  if (options.class_names.size() < classes.names.size()) {
    throw job_error(fmt::format(
        "--class-names: has {}, but {} has {}: {}", counted(options.class_names.size(), "name"),
        file, counted(classes.names.size(), "class", "classes"), fmt::join(classes.names, ", ")));
  }
  std::vector<std::string> words = classes.names;
  words.resize(options.class_names.size(), "no label");
  note_classes(options, words, options.class_names);
  return options.class_names;
}

}  // namespace ringtrain::datasets
