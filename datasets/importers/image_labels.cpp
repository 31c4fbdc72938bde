// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/image_labels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "datasets/importers/csv_table.hpp"
#include "datasets/importers/left_out.hpp"

namespace ringtrain::datasets {
namespace {

constexpr std::array<std::string_view, 3> kSuffixes = {".jpg", ".jpeg", ".png"};

std::string shown(std::string_view text) { return printable(text.substr(0, 80)); }

// Whether path is `name`, or ends with it after a slash.
bool ends_with_path(std::string_view path, std::string_view name) {
  return path.ends_with(name) &&
         (path.size() == name.size() || path[path.size() - name.size() - 1] == '/');
}

bool backwards(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

// The columns of a table.
struct Columns {
  size_t file = 0;
  size_t label = 0;
  bool has_names = false;
};

size_t find_column(const std::string& wanted, size_t otherwise,
                   const std::vector<std::string_view>& first, const char* option,
                   const CsvLines& lines, bool& by_name) {
  if (wanted.empty()) return otherwise;
  int64_t number = 0;
  if (parse_integer(wanted, number)) {
    if (number >= 1 && static_cast<size_t>(number) <= first.size()) {
      return static_cast<size_t>(number) - 1;
    }
  } else if (const auto found = std::find(first.begin(), first.end(), wanted);
             found != first.end()) {
    by_name = true;
    return static_cast<size_t>(found - first.begin());
  }
  lines.refuse(fmt::format("has no column '{}', but {:.200}; {} also takes 1 to {}", shown(wanted),
                           shown(fmt::format("{}", fmt::join(first, ", "))), option, first.size()));
}

// first: the fields of the first line, which are names unless they begin with an image.
Columns find_columns(const std::vector<std::string_view>& first, const CsvLines& lines,
                     ImageNames& images, const ImageTableOptions& options) {
  if (first.size() < 2) {
    lines.refuse(
        "has one column; it needs file names and labels; is it separated otherwise? --separator");
  }
  Columns columns;
  columns.file =
      find_column(options.file_column, 0, first, "--file-column", lines, columns.has_names);
  columns.label = find_column(options.label_column, first.size() - 1, first, "--label-column",
                              lines, columns.has_names);
  if (columns.file == columns.label) {
    lines.refuse(fmt::format(
        "column {} has the file names; --label-column names that of the labels", columns.file + 1));
  }
  const std::string suffix = suffix_of(std::string(first[columns.file]));
  const bool has_suffix = std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
  columns.has_names |= !has_suffix && !images.find(first[columns.file]);
  return columns;
}

}  // namespace

void ImageNames::add(std::string path, uint64_t number) {
  images_.push_back({std::move(path), number});
  is_sorted_ = false;
}

void ImageNames::sort() {
  if (is_sorted_) return;
  std::sort(images_.begin(), images_.end(),
            [](const Image& a, const Image& b) { return backwards(a.path, b.path); });
  is_sorted_ = true;
}

std::optional<uint64_t> ImageNames::find_exactly(std::string_view name) const {
  auto at =
      std::lower_bound(images_.begin(), images_.end(), name,
                       [](const Image& a, std::string_view b) { return backwards(a.path, b); });
  std::optional<uint64_t> found;
  for (; at != images_.end() && at->path.ends_with(name); ++at) {
    if (at->path == name) return at->number;  // it sorts first
    if (!ends_with_path(at->path, name)) continue;
    if (found) throw data_error(fmt::format("there are several images '{}'", shown(name)));
    found = at->number;
  }
  return found;
}

std::optional<uint64_t> ImageNames::find(std::string_view name) {
  sort();
  while (name.starts_with("./")) name.remove_prefix(2);
  if (name.empty()) return std::nullopt;
  if (const auto found = find_exactly(name)) return found;
  for (const std::string_view suffix : kSuffixes) {
    if (const auto found = find_exactly(std::string(name) + std::string(suffix))) return found;
  }
  return std::nullopt;
}

std::vector<LabelledImage> read_image_table(std::unique_ptr<ByteSource> bytes, ImageNames& images,
                                            const ImageTableOptions& options) {
  const std::string name = bytes->name();
  CsvLines lines(std::move(bytes));
  std::vector<LabelledImage> result;
  std::unordered_set<uint64_t> seen;
  std::vector<std::string_view> fields;
  std::optional<Columns> columns;
  size_t width = 0;
  for (std::string_view line; lines.next(line);) {
    if (line.empty()) continue;
    split_fields(line, options.separator, fields);
    if (!columns) {
      columns = find_columns(fields, lines, images, options);
      width = fields.size();
      if (columns->has_names) continue;
    }
    if (fields.size() != width) {
      lines.refuse(fmt::format("has {} columns where the first has {}", fields.size(), width));
    }
    const std::string_view file = fields[columns->file];
    const std::string_view label = fields[columns->label];
    std::optional<uint64_t> found;
    try {
      found = images.find(file);
    } catch (const Error& error) {
      lines.refuse(error.what());
    }
    if (!found) lines.refuse(fmt::format("there is no image '{}' (JPEG or PNG)", shown(file)));
    if (!seen.insert(*found).second) {
      lines.refuse(fmt::format("'{}' comes for the second time", shown(file)));
    }
    if (is_missing(label)) {
      lines.refuse(
          fmt::format("'{}' has no label: fill the cell or leave the line out", shown(file)));
    }
    result.push_back({*found, std::string(label)});
    if (result.size() == options.limit) break;
  }
  if (result.empty()) throw data_error(name + ": has no rows");
  return result;
}

}  // namespace ringtrain::datasets
