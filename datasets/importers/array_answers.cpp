// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/array_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/importers/array_numbers.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMaxAnswerBytes = uint64_t{256} << 20;

bool is_class(double value) { return value >= 0 && value < 1e9 && value == std::floor(value); }

void check_shape(const ArraySource& y, const ArraySource& x) {
  if (y.rows() != x.rows()) {
    throw data_error(fmt::format("{} has {}, but {} has {}", x.name(), counted(x.rows(), "row"),
                                 y.name(), counted(y.rows(), "label")));
  }
  if (y.dims().size() > 2) {
    throw data_error(
        fmt::format("{}: labels are [rows], targets [rows, targets], not of {} "
                    "dimensions",
                    y.name(), y.dims().size()));
  }
  if (y.rows() > kMaxAnswerBytes / sizeof(double) / y.row_elements()) {
    throw data_error(
        fmt::format("{}: more than {} numbers", y.name(), kMaxAnswerBytes / sizeof(double)));
  }
}

// Returns all numbers of an array.
std::vector<double> read_numbers(ArraySource& y) {
  std::vector<double> numbers;
  constexpr uint64_t kWindow = 65536;
  const uint64_t own = y.row_elements();
  const uint64_t step = std::max<uint64_t>(1, kWindow / own);
  std::vector<std::byte> window(step * y.row_bytes());
  for (uint64_t row = 0; row < y.rows(); row += step) {
    const uint64_t count = std::min(step, y.rows() - row);
    y.read(window.data(), count);
    for (uint64_t i = 0; i < count * own; ++i) {
      numbers.push_back(number_at(y.type(), window.data() + i * size_of(y.type())));
    }
  }
  y.expect_end();
  return numbers;
}

ArrayAnswers as_labels(const ArraySource& y, const std::vector<double>& numbers) {
  if (y.row_elements() != 1) {
    throw data_error(fmt::format(
        "{}: has {} numbers a row where a class is one; --labels targets predicts numbers",
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

ArrayAnswers read_answers(ArraySource& y, const ArraySource& x, Answers kind) {
  check_shape(y, x);
  const std::vector<double> numbers = read_numbers(y);
  if (kind == Answers::automatic && is_float(y.type()) && y.row_elements() == 1 &&
      std::all_of(numbers.begin(), numbers.end(), is_class)) {
    throw data_error(fmt::format(
        "{}: floats that are all whole numbers: say with --labels whether they are classes or "
        "targets",
        y.name()));
  }
  const bool targets = kind == Answers::automatic ? is_float(y.type()) : kind == Answers::targets;
  return targets ? as_targets(y, numbers) : as_labels(y, numbers);
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
