// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/array_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "datasets/importers/arrays/array_answers.hpp"
#include "datasets/importers/arrays/array_numbers.hpp"
#include "datasets/importers/arrays/array_rows.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{8} << 20;

// Refuses training rows whose answers are all the same.
void require_two_answers(const ImportOptions& options, const ArraySource& y,
                         const ArrayAnswers& answers, const std::vector<std::string>& names) {
  if (answers.per_row == 0) {
    const auto [least, most] = std::minmax_element(answers.labels.begin(), answers.labels.end());
    require_two_classes(options, y.name(), *least == *most ? 1 : 2);
  }
  for (size_t k = 0; k < answers.per_row; ++k) {
    float least = answers.targets[k];
    float largest = least;
    for (size_t i = k; i < answers.targets.size(); i += answers.per_row) {
      least = std::min(least, answers.targets[i]);
      largest = std::max(largest, answers.targets[i]);
    }
    require_two_values(options, y.name(), "target " + names[k], least, largest);
  }
}

int64_t largest_label(const ArrayAnswers& answers) {
  if (answers.labels.empty()) return 0;
  return *std::max_element(answers.labels.begin(), answers.labels.end());
}

uint64_t classes_of(const ArrayAnswers& answers) {
  return std::max(answers.classes, static_cast<uint64_t>(largest_label(answers)) + 1);
}

// The answers of both splits, which are of one kind.
struct BothAnswers {
  ArrayAnswers train;
  ArrayAnswers test;
  std::vector<std::string> target_names;  // none: labels
};

BothAnswers read_both(const ArraySources& sources, const ImportOptions& options) {
  BothAnswers both;
  both.train = read_answers(*sources.train_y, *sources.train_x, sources.answers);
  const size_t targets = both.train.per_row;
  if (targets > 0) {
    refuse_class_names(options);
    both.target_names = target_names_for(sources.target_names, targets, sources.train_y->name());
  } else if (!sources.target_names.empty()) {
    throw job_error("--target-names: " + sources.train_y->name() +
                    " has classes, not targets; --labels targets predicts numbers");
  }
  require_two_answers(options, *sources.train_y, both.train, both.target_names);
  if (sources.test_y == nullptr || sources.test_x == nullptr) return both;
  Answers kind = Answers::targets;
  if (targets == 0) kind = both.train.classes > 0 ? Answers::one_hot : Answers::classes;
  both.test = read_answers(*sources.test_y, *sources.test_x, kind);
  if (both.test.per_row != targets) {
    throw data_error(fmt::format("{} and {} differ in their number of targets",
                                 sources.train_y->name(), sources.test_y->name()));
  }
  if (both.test.classes != both.train.classes) {
    throw data_error(fmt::format("{} has one-hot labels of {} classes, {} of {}",
                                 sources.train_y->name(), both.train.classes,
                                 sources.test_y->name(), both.test.classes));
  }
  return both;
}

// Returns the division of rows that come without test rows; none if there are test arrays.
std::optional<SeededSplit> split_of(const ArraySources& sources, const ArrayAnswers& answers,
                                    const ImportOptions& options) {
  std::optional<SeededSplit> split;
  if (sources.test_x != nullptr) return split;
  const std::string& name = sources.train_x->name();
  if (answers.per_row == 0) {
    split.emplace(answers.labels, sources.test_share, options.shuffle_seed, name);
  } else {
    split.emplace(sources.train_x->rows(), sources.test_share, options.shuffle_seed, name);
  }
  if (options.keep_order) split->keep_order();
  return split;
}

// Copies the rows of arrays into the dataset.
class ArrayCopy {
 public:
  // split: none if there are test arrays.
  ArrayCopy(Writer& writer, const NewDataset& dataset, const Arrangement& arrangement,
            const std::optional<SeededSplit>& split, const Progress& progress)
      : writer_(writer),
        dataset_(dataset),
        arrangement_(arrangement),
        split_(split),
        progress_(progress) {}

  void run(Split own, ArraySource& x, const ArrayAnswers& answers) {
    const uint64_t row_bytes = x.row_bytes();
    const uint64_t step = std::max<uint64_t>(1, kWindowBytes / row_bytes);
    std::vector<std::byte> window(std::min(step, x.rows()) * row_bytes);
    RowConverter convert(x, arrangement_, dataset_.element);
    for (uint64_t first = 0; first < x.rows(); first += step) {
      const uint64_t count = std::min(step, x.rows() - first);
      x.read(window.data(), count);
      for (uint64_t i = 0; i < count; ++i) {
        SeededSplit::Place place{own, first + i};
        if (split_) place = (*split_)(first + i);
        const std::byte* const row = convert(window.data() + i * row_bytes, first + i);
        if (dataset_.element == ElementType::f32 && is_float(x.type()))
          require_finite(x, row, first + i);
        put(place, row, answers, first + i);
      }
      done_ += count;
      if (progress_) progress_(done_, dataset_.train_rows + dataset_.test_rows);
    }
    x.expect_end();
  }

 private:
  void require_finite(const ArraySource& x, const std::byte* values, uint64_t row) const {
    const uint64_t elements = x.row_elements();
    for (uint64_t i = 0; i < elements; ++i) {
      float value = 0;
      std::memcpy(&value, values + i * sizeof value, sizeof value);
      if (std::isfinite(value)) continue;
      throw data_error(fmt::format(
          "{}: row {} has {} at position {}, which is not finite: leave the row out or fill it, "
          "as by numpy.nan_to_num",
          x.name(), row, value, i));
    }
  }

  void put(const SeededSplit::Place& place, const std::byte* x, const ArrayAnswers& answers,
           uint64_t row) {
    if (answers.per_row == 0) {
      writer_.put(place.split, place.row, x, answers.labels[row]);
    } else {
      writer_.put(place.split, place.row, x,
                  std::span(answers.targets).subspan(row * answers.per_row, answers.per_row));
    }
  }

  Writer& writer_;
  const NewDataset& dataset_;
  const Arrangement& arrangement_;
  const std::optional<SeededSplit>& split_;
  const Progress& progress_;
  uint64_t done_ = 0;
};

}  // namespace

uint64_t ArraySource::row_elements() const {
  uint64_t product = 1;
  for (size_t i = 1; i < dims_.size(); ++i) {
    if (__builtin_mul_overflow(product, dims_[i], &product) || product > uint64_t{1} << 30) {
      throw data_error(fmt::format("{}: rows of more than 2^30 numbers", name_));
    }
  }
  return product;
}

DatasetIndex import_arrays(const ArraySources& given, const std::filesystem::path& destination,
                           const ImportOptions& options) {
  ArraySources sources = given;
  const uint64_t rows = limited(options, given.train_x->rows());
  std::unique_ptr<ArraySource> first_x;
  std::unique_ptr<ArraySource> first_y;
  if (rows < given.train_x->rows()) {
    check_row_counts(*given.train_y, *given.train_x);
    first_x = first_rows(*given.train_x, rows);
    first_y = first_rows(*given.train_y, rows);
    sources.train_x = first_x.get();
    sources.train_y = first_y.get();
  }
  ArraySource& train_x = *sources.train_x;
  const Arrangement train = arrange(train_x, sources.channels);
  train_x.row_elements();  // refuses rows that are too long
  const bool has_test = sources.test_x != nullptr;
  if (has_test) {
    const Arrangement test = arrange(*sources.test_x, sources.channels);
    if (test.shape != train.shape || sources.test_x->type() != train_x.type()) {
      throw data_error(
          fmt::format("{} and {} differ in shape or type", train_x.name(), sources.test_x->name()));
    }
  }
  const BothAnswers answers = read_both(sources, options);
  const std::optional<SeededSplit> split = split_of(sources, answers.train, options);
  NewDataset dataset = new_dataset(options, train_x.name(),
                                   element_for(train_x.type(), sources.floats), train.shape);
  dataset.train_rows = split ? split->train_rows() : train_x.rows();
  dataset.test_rows = split ? split->test_rows() : sources.test_x->rows();
  dataset.target_names = answers.target_names;
  Writer writer(destination, dataset);
  if (answers.target_names.empty()) {
    const uint64_t classes = std::max(classes_of(answers.train), classes_of(answers.test));
    writer.set_class_names(class_names_for(options, classes, sources.train_y->name()));
  }
  writer.set_source_sha256(options.source_sha256);

  ArrayCopy copy(writer, dataset, train, split, options.progress);
  copy.run(Split::train, train_x, answers.train);
  if (has_test) copy.run(Split::test, *sources.test_x, answers.test);
  return writer.finish();
}

}  // namespace ringtrain::datasets
