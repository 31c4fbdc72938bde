// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/importers/byte_source.hpp"

namespace ringtrain::datasets {

// The lines of a source, without their ends, in a buffer that is used again.
class CsvLines {
 public:
  explicit CsvLines(const std::filesystem::path& path);
  explicit CsvLines(std::unique_ptr<ByteSource> source);
  // Reads the next line, valid until the next call. Returns false at the end.
  bool next(std::string_view& line);
  // Throws a data error that names the file and the line.
  [[noreturn]] void refuse(std::string_view why) const;
  // The number of the line that was read last, from 1.
  uint64_t number() const { return number_; }

 private:
  void fill();

  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t number_ = 0;
};

struct CsvRow {
  uint64_t number = 0;                     // from 0
  std::vector<std::string_view> features;  // valid during the call that hands out the row
  std::vector<std::string_view> answers;   // the same
};

// The columns that a model is to predict: that of the label, or those of targets.
struct CsvAnswers {
  std::vector<std::string> columns;  // each by its number from 1, or else its name; none: the last
  std::string option = "--label";    // names them on the command line; for messages
};

// A file as rows of features with answers: finds the columns, and whether there is a line of names:
// a first line with a word above a column of features, or above answers that are numbers.
class CsvTable {
 public:
  CsvTable(std::filesystem::path path, char separator, const CsvAnswers& answers);

  size_t features() const { return features_.size(); }
  // The names of all columns; empty if the file has none.
  const std::vector<std::string>& names() const { return names_; }

  // Return how messages name a column: "column 2 (income)".
  std::string feature_column(size_t feature) const { return column(features_[feature]); }
  std::string answer_column(size_t answer) const { return column(answers_[answer]); }
  // Requires: there is a header.
  const std::string& feature_name(size_t feature) const { return names_[features_[feature]]; }
  // Returns the name in the header, or "column 3".
  std::string answer_name(size_t answer) const;
  // Returns what is wrong with a feature that is no finite number, and what may be the cause.
  std::string why_no_number(std::string_view field) const;

  // Makes for_each() stop after so many rows; 0: none.
  void stop_after(uint64_t rows) { stop_after_ = rows; }

  // Reads the file from its start and calls visit(row, lines) for every row.
  void for_each(const std::function<void(const CsvRow&, const CsvLines&)>& visit);

 private:
  std::string column(size_t index) const;
  void find_answers(const CsvAnswers& answers, const CsvLines& lines);
  size_t find_column(const std::string& wanted, const CsvAnswers& answers, const CsvLines& lines);

  std::filesystem::path path_;
  char separator_;
  uint64_t stop_after_ = 0;
  size_t columns_ = 0;
  std::vector<size_t> answers_;   // in the order in which they were asked for
  std::vector<size_t> features_;  // the other columns
  bool has_names_ = false;
  std::vector<std::string> names_;
  std::vector<std::string_view> fields_;
};

// Splits a line into fields, without the white space and then the quotes around each.
void split_fields(std::string_view line, char separator, std::vector<std::string_view>& fields);

// Whether a field stands for a value that is not known, as NA or NaN in a table of R or pandas.
bool is_missing(std::string_view field);

// Parses a whole field as a number. Returns false if it is none.
bool parse_float(std::string_view field, float& value);
bool parse_integer(std::string_view field, int64_t& value);

}  // namespace ringtrain::datasets
