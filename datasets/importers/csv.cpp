// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/array_source.hpp"
#include "datasets/importers/byte_source.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxLine = size_t{16} << 20;
constexpr size_t kMaxClasses = 65536;

// Lines of a source, without their ends, in a buffer that is used again.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path)
      : source_(open_source(path)), buffer_(1 << 20) {}

  bool next(std::string_view& line) {
    for (;;) {
      const auto* begin = buffer_.data() + begin_;
      const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', end_ - begin_));
      if (newline != nullptr) {
        line = {begin, static_cast<size_t>(newline - begin)};
        begin_ += line.size() + 1;
        ++number_;
        return strip(line);
      }
      if (at_end_) {
        if (begin_ == end_) return false;
        line = {begin, end_ - begin_};
        begin_ = end_;
        ++number_;
        return strip(line);
      }
      fill();
    }
  }
  uint64_t number() const { return number_; }
  [[noreturn]] void refuse(std::string_view what) const {
    throw data_error(fmt::format("{}: line {}: {}", source_->name(), number_, what));
  }

 private:
  static bool strip(std::string_view& line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return true;
  }
  void fill() {
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

  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t number_ = 0;
};

std::string_view unquoted(std::string_view field) {
  field = trimmed(field, " \t");
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
    field = field.substr(1, field.size() - 2);
  }
  return field;
}

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

bool to_float(std::string_view field, float& value) {
  if (field.starts_with('+')) field.remove_prefix(1);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

bool to_integer(std::string_view field, int64_t& value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

// One file: how many columns, which is the label, whether there is a line of names.
class Table {
 public:
  Table(std::filesystem::path path, const CsvSources& options)
      : path_(std::move(path)), separator_(options.separator) {
    Lines lines(path_);
    std::string_view line;
    if (!lines.next(line) || line.empty()) throw data_error(path_.string() + ": is empty");
    split_fields(line, separator_, fields_);
    columns_ = fields_.size();
    if (columns_ < 2) lines.refuse("has one column; a feature and a label are the least");
    find_label(options.label, lines);
    float value = 0;
    for (size_t i = 0; i < columns_; ++i) {
      if (i != label_ && !to_float(fields_[i], value)) has_names_ = true;
    }
  }

  size_t features() const { return columns_ - 1; }

  // Calls visit(row, features, label, lines) for every row.
  void for_each(const std::function<void(uint64_t, const std::vector<std::string_view>&,
                                         std::string_view, const Lines&)>& visit) {
    Lines lines(path_);
    std::string_view line;
    if (has_names_) lines.next(line);
    std::vector<std::string_view> features;
    for (uint64_t row = 0; lines.next(line);) {
      if (line.empty()) continue;
      split_fields(line, separator_, fields_);
      if (fields_.size() != columns_) {
        lines.refuse(
            fmt::format("has {} columns where the first has {}", fields_.size(), columns_));
      }
      features.clear();
      for (size_t i = 0; i < columns_; ++i) {
        if (i != label_) features.push_back(fields_[i]);
      }
      visit(row++, features, fields_[label_], lines);
    }
  }

 private:
  void find_label(const std::string& label, const Lines& lines) {
    label_ = columns_ - 1;
    if (label.empty()) return;
    const auto named = std::find(fields_.begin(), fields_.end(), std::string_view(label));
    int64_t number = 0;
    if (named != fields_.end()) {
      label_ = static_cast<size_t>(named - fields_.begin());
      has_names_ = true;
    } else if (to_integer(label, number) && number >= 0 && static_cast<size_t>(number) < columns_) {
      label_ = static_cast<size_t>(number);
    } else {
      lines.refuse(fmt::format("has no column '{}'", label));
    }
  }

  std::filesystem::path path_;
  char separator_;
  size_t columns_ = 0;
  size_t label_ = 0;
  bool has_names_ = false;
  std::vector<std::string_view> fields_;
};

// Labels that are the numbers 0 .. n-1 keep them; others are numbered in sorted order and keep
// their names.
struct Classes {
  std::map<std::string, int64_t, std::less<>> label_of;
  std::vector<std::string> names;

  explicit Classes(const std::set<std::string, std::less<>>& words) {
    std::vector<std::pair<int64_t, std::string>> numbers;
    for (const std::string& word : words) {
      int64_t number = 0;
      if (to_integer(word, number) && number >= 0) numbers.emplace_back(number, word);
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

}  // namespace

Plan import_csv(const CsvSources& sources, const std::filesystem::path& destination,
                const ImportOptions& options) {
  Table train(sources.train, sources);
  std::optional<Table> test;
  if (sources.test) test.emplace(*sources.test, sources);
  if (test && test->features() != train.features()) {
    throw data_error(fmt::format("{} has {} features, {} has {}", sources.test->string(),
                                 test->features(), sources.train.string(), train.features()));
  }

  // First pass: rows and classes.
  std::set<std::string, std::less<>> words;
  const auto count = [&](Table& table) {
    uint64_t rows = 0;
    table.for_each([&](uint64_t, const auto&, std::string_view label, const Lines& lines) {
      if (words.find(label) == words.end()) {
        if (label.empty()) lines.refuse("has no label");
        if (words.size() == kMaxClasses)
          lines.refuse("more than 65536 classes: is it the label's column?");
        words.emplace(label);
      }
      ++rows;
    });
    return rows;
  };
  const uint64_t train_rows = count(train);
  const uint64_t test_rows = test ? count(*test) : 0;
  if (train_rows == 0) throw data_error(sources.train.string() + ": has no rows");
  const Classes classes(words);
  std::optional<SeededSplit> split;
  if (!test) split.emplace(train_rows, sources.test_share, options.shuffle_seed);

  NewDataset dataset;
  dataset.element = Element::f32;
  dataset.shape = sources.shape.value_or(Shape{1, 1, static_cast<int64_t>(train.features())});
  if (dataset.shape.elements() != static_cast<int64_t>(train.features())) {
    throw data_error(fmt::format("{}: {} features do not make samples of {} x {} x {}",
                                 sources.train.string(), train.features(), dataset.shape.channels,
                                 dataset.shape.height, dataset.shape.width));
  }
  dataset.train_rows = split ? split->train_rows() : train_rows;
  dataset.test_rows = split ? split->test_rows() : test_rows;
  dataset.source = options.source.empty() ? sources.train.string() : options.source;
  dataset.shuffle_seed = options.shuffle_seed;
  dataset.block_rows = options.block_rows;
  Writer writer(destination, dataset);
  writer.set_class_names(
      options.class_names.empty() ? classes.names : class_names_for(options, classes.names.size()));

  std::vector<float> values(train.features());
  uint64_t done = 0;
  const auto copy = [&](Split part, Table& table) {
    table.for_each(
        [&](uint64_t row, const auto& features, std::string_view label, const Lines& lines) {
          for (size_t i = 0; i < features.size(); ++i) {
            if (!to_float(features[i], values[i]) || !std::isfinite(values[i])) {
              lines.refuse(fmt::format("feature {} is '{}', not a finite number", i,
                                       features[i].substr(0, 40)));
            }
          }
          const auto found = classes.label_of.find(label);
          const uint64_t rows = part == Split::train ? train_rows : test_rows;
          if (found == classes.label_of.end() || row >= rows)
            lines.refuse("the file changed while it was read");
          SeededSplit::Place place{part, row};
          if (split) place = (*split)(row);
          writer.put(place.split, place.row, reinterpret_cast<const std::byte*>(values.data()),
                     found->second);
          if (options.progress && ++done % 4096 == 0)
            options.progress(done, train_rows + test_rows);
        });
  };
  copy(Split::train, train);
  if (test) copy(Split::test, *test);
  return writer.finish();
}

}  // namespace ringtrain::datasets
