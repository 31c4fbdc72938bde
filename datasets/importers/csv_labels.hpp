// SPDX-License-Identifier: Apache-2.0
// The labels of a text table, and the classes that they become.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "datasets/importers/csv_table.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

// The labels of a source: its words, each with a number by the order in which they came.
struct CsvLabels {
  std::map<std::string, int64_t, std::less<>> words;
  std::string missing;  // a word for a missing value, with its line; empty: none
};

// Labels that are the numbers 0 .. n-1 keep them; others are numbered in sorted order and keep
// their names.
struct CsvClasses {
  std::map<std::string, int64_t, std::less<>> label_of;
  std::vector<std::string> names;

  explicit CsvClasses(const CsvLabels& labels);
};

// Reads the features of a row. Throws a data error that names line and column of what is no number.
void parse_features(const CsvTable& table, const CsvRow& row, const CsvLines& lines,
                    std::vector<float>& values);

// Counts the rows of a table and collects their labels. of_row: gets the number of each row's
// label; may be null.
uint64_t count_rows(CsvTable& table, CsvLabels& labels, std::vector<int64_t>* of_row);

// Refuses NaN and the like among labels that are numbers; among words it may be one of them.
void refuse_missing(const CsvLabels& labels, const std::string& file);

// Refuses labels that are quantities: a classifier would take each value for a class. named: the
// user has said that this is the column of the labels.
void refuse_quantities(const CsvTable& table, const CsvLabels& found, uint64_t rows,
                       const std::string& file, bool named);

// Returns the names of the classes, and notes which label got which.
std::vector<std::string> names_for(const ImportOptions& options, const CsvClasses& classes,
                                   const std::string& file);

}  // namespace ringtrain::datasets
