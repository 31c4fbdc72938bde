// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/array_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "datasets/importers/array_answers.hpp"
#include "datasets/importers/array_numbers.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{8} << 20;

// The order of elements in a source row, and the shape [channels, height, width] that they become.
struct Arrangement {
  Shape shape;
  bool channels_last = false;
};

bool like_channels(uint64_t n) { return n == 1 || n == 3 || n == 4; }

Arrangement arrange(const ArraySource& x, ChannelOrder order) {
  const std::vector<uint64_t>& dims = x.dims();
  constexpr uint64_t kMaxDimension = uint64_t{1} << 20;
  for (const uint64_t dim : dims) {
    if (dim == 0) throw data_error(fmt::format("{}: a dimension is zero", x.name()));
  }
  for (size_t i = 1; i < dims.size(); ++i) {
    if (dims[i] > kMaxDimension)
      throw data_error(fmt::format("{}: a dimension of {} is too large", x.name(), dims[i]));
  }
  const auto d = [&](size_t i) { return static_cast<int64_t>(dims[i]); };
  switch (dims.size()) {
    case 2:
      return {table_shape(dims[1]), false};
    case 3:
      return {{1, d(1), d(2)}, false};
    case 4: {
      const bool is_table = dims[2] == 1 && dims[3] == 1;  // as export_npy() writes one
      const bool last = order == ChannelOrder::last ||
                        (order == ChannelOrder::automatic && like_channels(dims[3]) &&
                         !like_channels(dims[1]) && !is_table);
      if (last) return {{d(3), d(1), d(2)}, true};
      return {{d(1), d(2), d(3)}, false};
    }
    default:
      throw data_error(
          fmt::format("{}: features must have 2 to 4 dimensions, not {}", x.name(), dims.size()));
  }
}

// Reorders and converts one row.
class RowConverter {
 public:
  RowConverter(const ArraySource& source, const Arrangement& arrangement, ElementType element)
      : name_(source.name()),
        type_(source.type()),
        element_(element),
        arrangement_(arrangement),
        row_(static_cast<size_t>(arrangement.shape.elements()) * size_of(element)) {}

  // row: its number, for messages.
  const std::byte* operator()(const std::byte* in, uint64_t row) {
    const bool same = (type_ == NumberType::u8 && element_ == ElementType::u8) ||
                      (type_ == NumberType::i64 && element_ == ElementType::i64) ||
                      (type_ == NumberType::f32 && element_ == ElementType::f32);
    if (same && !arrangement_.channels_last) return in;
    const auto channels = static_cast<size_t>(arrangement_.shape.channels);
    const auto pixels = static_cast<size_t>(arrangement_.shape.height * arrangement_.shape.width);
    const size_t in_size = size_of(type_);
    for (size_t c = 0; c < channels; ++c) {
      for (size_t p = 0; p < pixels; ++p) {
        const size_t from = arrangement_.channels_last ? p * channels + c : c * pixels + p;
        const size_t to = c * pixels + p;
        if (element_ == ElementType::u8) {
          row_[to] = in[from];
        } else if (element_ == ElementType::i64) {
          int64_t value = 0;
          if (!whole_number_at(type_, in + from * in_size, value)) {
            throw data_error(
                fmt::format("{}: row {} has a number above those of int64", name_, row));
          }
          std::memcpy(row_.data() + to * sizeof value, &value, sizeof value);
        } else {
          const auto value = static_cast<float>(number_at(type_, in + from * in_size));
          std::memcpy(row_.data() + to * sizeof value, &value, sizeof value);
        }
      }
    }
    return row_.data();
  }

 private:
  std::string name_;
  NumberType type_;
  ElementType element_;
  Arrangement arrangement_;
  std::vector<std::byte> row_;
};

// Whole numbers of 8 and 16 bits are pictures and measurements; larger ones may be names of things,
// which must not be scaled.
ElementType element_for(NumberType type, bool floats) {
  if (type == NumberType::u8) return ElementType::u8;
  const bool small = type == NumberType::i8 || type == NumberType::i16 || type == NumberType::u16;
  return floats || small || is_float(type) ? ElementType::f32 : ElementType::i64;
}

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
  const Answers kind = targets > 0 ? Answers::targets : Answers::classes;
  both.test = read_answers(*sources.test_y, *sources.test_x, kind);
  if (both.test.per_row != targets) {
    throw data_error(fmt::format("{} and {} differ in their number of targets",
                                 sources.train_y->name(), sources.test_y->name()));
  }
  return both;
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

DatasetIndex import_arrays(const ArraySources& sources, const std::filesystem::path& destination,
                           const ImportOptions& options) {
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
  std::optional<SeededSplit> split;
  if (!has_test && answers.train.per_row == 0) {
    split.emplace(answers.train.labels, sources.test_share, options.shuffle_seed, train_x.name());
  } else if (!has_test) {
    split.emplace(train_x.rows(), sources.test_share, options.shuffle_seed, train_x.name());
  }
  NewDataset dataset = new_dataset(options, train_x.name(),
                                   element_for(train_x.type(), sources.floats), train.shape);
  dataset.train_rows = split ? split->train_rows() : train_x.rows();
  dataset.test_rows = split ? split->test_rows() : sources.test_x->rows();
  dataset.target_names = answers.target_names;
  Writer writer(destination, dataset);
  if (answers.target_names.empty()) {
    const int64_t largest = std::max(largest_label(answers.train), largest_label(answers.test));
    writer.set_class_names(
        class_names_for(options, static_cast<uint64_t>(largest) + 1, sources.train_y->name()));
  }
  writer.set_source_sha256(options.source_sha256);

  ArrayCopy copy(writer, dataset, train, split, options.progress);
  copy.run(Split::train, train_x, answers.train);
  if (has_test) copy.run(Split::test, *sources.test_x, answers.test);
  return writer.finish();
}

}  // namespace ringtrain::datasets
