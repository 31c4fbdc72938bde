// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxLine = size_t{16} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // in front of Excel's UTF-8

// Removes white space, then quotes, around a field.
std::string_view unquoted(std::string_view field) {
  field = trimmed(field, " \t");
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
    field = field.substr(1, field.size() - 2);
  }
  return field;
}

// Returns a question for the end of a message: whether the most frequent of the `candidates` in
// `text` is the separator. Empty if there is none of them.
std::string separator_hint(std::string_view text, char separator, std::string_view candidates) {
  char likely = 0;
  ptrdiff_t most = 0;
  for (const char c : candidates) {
    const ptrdiff_t count = c == separator ? 0 : std::count(text.begin(), text.end(), c);
    if (count > most) {
      likely = c;
      most = count;
    }
  }
  if (most == 0) return "";
  return fmt::format("; is it separated otherwise? --separator {}",
                     likely == '\t' ? "tab" : fmt::format("'{}'", likely));
}

}  // namespace

void split_fields(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  while (true) {
    size_t from = 0;
    if (line.starts_with('"')) {  // a separator inside quotes is text
      const size_t quote = line.find('"', 1);
      from = quote == std::string_view::npos ? 0 : quote;
    }
    const size_t end = line.find(separator, from);
    fields.push_back(unquoted(line.substr(0, end)));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
  }
}

CsvLines::CsvLines(const std::filesystem::path& path) : CsvLines(open_source(path)) {}

CsvLines::CsvLines(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)), buffer_(1 << 20) {}

bool CsvLines::next(std::string_view& line) {
  for (;;) {
    const auto* begin = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', end_ - begin_));
    if (newline != nullptr || at_end_) {
      if (newline == nullptr && begin_ == end_) return false;
      line = {begin, newline != nullptr ? static_cast<size_t>(newline - begin) : end_ - begin_};
      begin_ += line.size() + (newline != nullptr ? 1 : 0);
      ++number_;
      if (number_ == 1 && line.starts_with(kByteOrderMark)) {
        line.remove_prefix(kByteOrderMark.size());
      }
      if (line.ends_with('\r')) line.remove_suffix(1);
      return true;
    }
    fill();
  }
}

void CsvLines::refuse(std::string_view why) const {
  throw data_error(fmt::format("{}: line {}: {}", source_->name(), number_, why));
}

void CsvLines::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kMaxLine) refuse("longer than 16 MiB");
    buffer_.resize(buffer_.size() * 2);
  }
  const size_t n = source_->read(buffer_.data() + end_, buffer_.size() - end_);
  at_end_ = n < buffer_.size() - end_;
  end_ += n;
}

bool is_missing(std::string_view field) {
  static constexpr std::array<std::string_view, 11> kWords = {
      "", "na", "n/a", "#n/a", "nan", "-nan", "null", "nil", "none", "?", "-"};
  std::string lower(field.substr(0, 8));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool parse_float(std::string_view field, float& value) {
  if (field.starts_with('+')) field.remove_prefix(1);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

bool parse_integer(std::string_view field, int64_t& value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

CsvTable::CsvTable(std::filesystem::path path, char separator, const CsvAnswers& answers)
    : path_(std::move(path)), separator_(separator) {
  CsvLines lines(path_);
  std::string_view line;
  if (!lines.next(line) || line.empty()) throw data_error(path_.string() + ": is empty");
  if (line.starts_with("\xff\xfe") || line.starts_with("\xfe\xff")) {
    throw data_error(path_.string() + ": is UTF-16 text; save it as UTF-8");
  }
  split_fields(line, separator_, fields_);
  columns_ = fields_.size();
  if (columns_ < 2) {
    lines.refuse("has one column; it needs at least a feature and a label" +
                 separator_hint(line, separator_, ",;\t| "));
  }
  names_.assign(fields_.begin(), fields_.end());
  find_answers(answers, lines);
  float value = 0;
  for (const size_t i : features_) has_names_ |= !parse_float(fields_[i], value);
  // Names that are numbers, such as those of pixels, beside a word above a column of numbers.
  std::vector<size_t> words;
  for (const size_t i : answers_) {
    if (!parse_float(fields_[i], value)) words.push_back(i);
  }
  if (!words.empty() && lines.next(line)) {
    split_fields(line, separator_, fields_);
    if (fields_.size() == columns_) {
      for (const size_t i : words) has_names_ |= parse_float(fields_[i], value);
    }
  }
  if (!has_names_) names_.clear();
}

void CsvTable::for_each(const std::function<void(const CsvRow&, const CsvLines&)>& visit) {
  CsvLines lines(path_);
  std::string_view line;
  if (has_names_) lines.next(line);
  for (CsvRow row; lines.next(line);) {
    if (line.empty()) continue;
    split_fields(line, separator_, fields_);
    if (fields_.size() != columns_) {
      lines.refuse(fmt::format("has {} columns where the first has {}", fields_.size(), columns_));
    }
    row.features.clear();
    for (const size_t i : features_) row.features.push_back(fields_[i]);
    row.answers.clear();
    for (const size_t i : answers_) row.answers.push_back(fields_[i]);
    visit(row, lines);
    if (++row.number == stop_after_) return;
  }
}

std::string CsvTable::column(size_t index) const {
  return names_.empty() ? fmt::format("column {}", index + 1)
                        : fmt::format("column {} ({})", index + 1, names_[index].substr(0, 40));
}

std::string CsvTable::why_no_number(std::string_view field) const {
  constexpr std::string_view kCure =
      ", not a finite number: a missing value; leave the line out or fill the cell (pandas: "
      "dropna(), fillna(0))";
  if (field.empty()) return fmt::format("is empty{}", kCure);
  if (is_missing(field)) return fmt::format("is '{}'{}", field, kCure);
  std::string text = fmt::format("is '{}', not a finite number", field.substr(0, 40));
  std::string pointed(field);
  std::replace(pointed.begin(), pointed.end(), ',', '.');
  float value = 0;
  if (parse_float(pointed, value)) return text + "; write decimals with a point";
  const std::string hint = separator_hint(field, separator_, ",;\t|");
  const bool is_word =
      !parse_float(field, value) && std::isalpha(static_cast<unsigned char>(field[0]));
  return text + (hint.empty() && is_word ? "; encode words as numbers or remove the column" : hint);
}

std::string CsvTable::answer_name(size_t answer) const {
  const size_t index = answers_[answer];
  return names_.empty() || names_[index].empty() ? fmt::format("column {}", index + 1)
                                                 : names_[index];
}

void CsvTable::find_answers(const CsvAnswers& answers, const CsvLines& lines) {
  if (answers.columns.empty()) answers_ = {columns_ - 1};
  for (const std::string& wanted : answers.columns) {
    const size_t found = find_column(wanted, answers, lines);
    if (std::find(answers_.begin(), answers_.end(), found) != answers_.end()) {
      lines.refuse(fmt::format("{} names column {} twice", answers.option, found + 1));
    }
    answers_.push_back(found);
  }
  for (size_t i = 0; i < columns_; ++i) {
    if (std::find(answers_.begin(), answers_.end(), i) == answers_.end()) features_.push_back(i);
  }
  if (features_.empty()) lines.refuse(answers.option + " names every column; none is a feature");
}

size_t CsvTable::find_column(const std::string& wanted, const CsvAnswers& answers,
                             const CsvLines& lines) {
  const auto named = std::find(names_.begin(), names_.end(), wanted);
  int64_t number = 0;
  // A number is no name: the first line may hold it as a value.
  const bool is_number = parse_integer(wanted, number);
  if (is_number && number >= 1 && static_cast<size_t>(number) <= columns_) {
    return static_cast<size_t>(number) - 1;
  }
  if (is_number || named == names_.end()) {
    lines.refuse(fmt::format("has no column '{}', but {:.200}; {} also takes 1 to {}", wanted,
                             fmt::format("{}", fmt::join(names_, ", ")), answers.option, columns_));
  }
  has_names_ = true;
  return static_cast<size_t>(named - names_.begin());
}

}  // namespace ringtrain::datasets
