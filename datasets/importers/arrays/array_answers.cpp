// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/array_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/importers/arrays/array_numbers.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMostNumbers = uint64_t{1} << 25;  // 256 MiB of doubles

bool is_class(double value) { return value >= 0 && value < 1e9 && value == std::floor(value); }

// The numbers of an array y, read once.
struct Numbers {
  std::vector<double> all;   // [rows, row_elements()]; empty if they are more than kMostNumbers
  std::vector<int64_t> hot;  // the place of the 1 in each row, up to the first that is not one-hot
  bool is_one_hot = false;   // all rows are, with a column for each of several classes
};

void check_shape(const ArraySource& y) {
  if (y.dims().size() > 2) {
    throw data_error(
        fmt::format("{}: labels are [rows], targets [rows, targets], not of {} "
                    "dimensions",
                    y.name(), y.dims().size()));
  }
  if (y.row_elements() == 0) throw data_error(y.name() + ": a dimension is zero");
  if (y.rows() > kMostNumbers) {
    throw data_error(fmt::format("{}: more than {} rows", y.name(), kMostNumbers));
  }
}

// Returns the place of the only 1 among zeros, or -1.
int64_t place_of_one(const double* row, uint64_t columns) {
  int64_t place = -1;
  for (uint64_t i = 0; i < columns; ++i) {
    if (row[i] == 0) continue;
    if (row[i] != 1 || place >= 0) return -1;
    place = static_cast<int64_t>(i);
  }
  return place;
}

Numbers read_numbers(ArraySource& y) {
  Numbers numbers;
  constexpr uint64_t kWindow = 65536;
  const uint64_t own = y.row_elements();
  const bool fits = y.rows() <= kMostNumbers / own;
  const uint64_t step = std::max<uint64_t>(1, kWindow / own);
  std::vector<std::byte> window(std::min(step, y.rows()) * y.row_bytes());
  std::vector<double> row(own);
  numbers.is_one_hot = own > 1;
  for (uint64_t first = 0; first < y.rows(); first += step) {
    const uint64_t count = std::min(step, y.rows() - first);
    y.read(window.data(), count);
    for (uint64_t i = 0; i < count; ++i) {
      for (uint64_t k = 0; k < own; ++k) {
        row[k] = number_at(y.type(), window.data() + (i * own + k) * size_of(y.type()));
      }
      if (numbers.is_one_hot) {
        const int64_t place = place_of_one(row.data(), own);
        numbers.is_one_hot = place >= 0;
        if (place >= 0) numbers.hot.push_back(place);
      }
      if (fits) numbers.all.insert(numbers.all.end(), row.begin(), row.end());
    }
  }
  y.expect_end();
  return numbers;
}

ArrayAnswers as_one_hot(const ArraySource& y, Numbers& numbers) {
  if (y.row_elements() == 1) {
    throw data_error(
        fmt::format("{}: has one number a row; one-hot labels have one a class", y.name()));
  }
  if (!numbers.is_one_hot) {
    throw data_error(fmt::format("{}: row {} is not one-hot: one 1, and 0 in all other places",
                                 y.name(), numbers.hot.size()));
  }
  ArrayAnswers answers;
  answers.labels = std::move(numbers.hot);
  answers.classes = y.row_elements();
  return answers;
}

ArrayAnswers as_labels(const ArraySource& y, const std::vector<double>& numbers) {
  if (y.row_elements() != 1) {
    throw data_error(fmt::format(
        "{}: has {} numbers a row where a class is one, or one-hot; --labels targets predicts "
        "numbers",
        y.name(), y.row_elements()));
  }
  ArrayAnswers answers;
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (!is_class(numbers[row])) {
      throw data_error(fmt::format(
          "{}: row {} has the label {}; classes are whole numbers from 0, --labels targets "
          "predicts numbers",
          y.name(), row, numbers[row]));
    }
    answers.labels.push_back(static_cast<int64_t>(numbers[row]));
  }
  return answers;
}

ArrayAnswers as_targets(const ArraySource& y, const std::vector<double>& numbers) {
  ArrayAnswers answers;
  answers.per_row = y.row_elements();
  if (answers.per_row > layout::kMostTargets) {
    throw data_error(fmt::format("{}: {} targets; a dataset has at most {}", y.name(),
                                 answers.per_row, layout::kMostTargets));
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    answers.targets.push_back(static_cast<float>(numbers[i]));
    if (!std::isfinite(answers.targets.back())) {
      throw data_error(fmt::format("{}: row {} has the target {}, which is no finite float",
                                   y.name(), i / answers.per_row, numbers[i]));
    }
  }
  return answers;
}

}  // namespace

void check_row_counts(const ArraySource& y, const ArraySource& x) {
  if (y.rows() == x.rows()) return;
  throw data_error(fmt::format("{} has {}, but {} has {}", x.name(), counted(x.rows(), "row"),
                               y.name(), counted(y.rows(), "label")));
}

ArrayAnswers read_answers(ArraySource& y, const ArraySource& x, Answers kind) {
  check_row_counts(y, x);
  check_shape(y);
  Numbers numbers = read_numbers(y);
  if (kind == Answers::one_hot || (numbers.is_one_hot && kind != Answers::targets)) {
    return as_one_hot(y, numbers);
  }
  if (numbers.all.empty()) {
    throw data_error(fmt::format("{}: more than {} numbers", y.name(), kMostNumbers));
  }
  if (kind == Answers::automatic && is_float(y.type()) && y.row_elements() == 1 &&
      std::all_of(numbers.all.begin(), numbers.all.end(), is_class)) {
    throw data_error(fmt::format(
        "{}: floats that are all whole numbers: say with --labels whether they are classes or "
        "targets",
        y.name()));
  }
  const bool targets = kind == Answers::automatic ? is_float(y.type()) : kind == Answers::targets;
  return targets ? as_targets(y, numbers.all) : as_labels(y, numbers.all);
}

std::vector<std::string> target_names_for(const std::vector<std::string>& given, size_t targets,
                                          const std::string& source) {
  if (!given.empty() && given.size() != targets) {
    throw job_error(fmt::format("--target-names: has {}, but {} has {}",
                                counted(given.size(), "name"), source, counted(targets, "target")));
  }
  if (!given.empty()) return given;
  if (targets == 1) return {"y"};
  std::vector<std::string> names;
  for (size_t i = 0; i < targets; ++i) names.push_back(fmt::format("y{}", i));
  return names;
}

}  // namespace ringtrain::datasets
