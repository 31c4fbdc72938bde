// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/array_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{8} << 20;
constexpr uint64_t kMaxLabelBytes = uint64_t{256} << 20;

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1f;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    const float value = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -value : value;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

template <typename Number>
double read_as(const std::byte* at) {
  Number value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<double>(value);
}

double number_at(NumberType type, const std::byte* at) {
  switch (type) {
    case NumberType::u8:
      return read_as<uint8_t>(at);
    case NumberType::i8:
      return read_as<int8_t>(at);
    case NumberType::u16:
      return read_as<uint16_t>(at);
    case NumberType::i16:
      return read_as<int16_t>(at);
    case NumberType::u32:
      return read_as<uint32_t>(at);
    case NumberType::i32:
      return read_as<int32_t>(at);
    case NumberType::u64:
      return read_as<uint64_t>(at);
    case NumberType::i64:
      return read_as<int64_t>(at);
    case NumberType::f32:
      return read_as<float>(at);
    case NumberType::f64:
      return read_as<double>(at);
    case NumberType::f16: {
      uint16_t half;
      std::memcpy(&half, at, sizeof half);
      return half_to_float(half);
    }
  }
  return 0;
}

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

std::vector<int64_t> read_labels(ArraySource& y, const ArraySource& x) {
  if (y.dims().size() > 2 || y.row_elements() != 1) {
    throw data_error(fmt::format("{}: labels must be one number per row", y.name()));
  }
  if (y.rows() != x.rows()) {
    throw data_error(fmt::format("{} has {} rows, but {} has {} labels", x.name(), x.rows(),
                                 y.name(), y.rows()));
  }
  if (y.rows() > kMaxLabelBytes / sizeof(int64_t)) {
    throw data_error(
        fmt::format("{}: more than {} labels", y.name(), kMaxLabelBytes / sizeof(int64_t)));
  }
  std::vector<int64_t> labels;
  std::vector<std::byte> window(65536 * y.row_bytes());
  while (labels.size() < y.rows()) {
    const uint64_t count = std::min<uint64_t>(65536, y.rows() - labels.size());
    y.read(window.data(), count);
    for (uint64_t i = 0; i < count; ++i) {
      const double value = number_at(y.type(), window.data() + i * size_of(y.type()));
      if (!(value >= 0 && value < 1e9) || value != std::floor(value)) {
        throw data_error(fmt::format(
            "{}: row {} has the label {}; ringtrain trains classifiers, whose labels are whole "
            "numbers from 0",
            y.name(), labels.size(), value));
      }
      labels.push_back(static_cast<int64_t>(value));
    }
  }
  y.expect_end();
  return labels;
}

// Reorders and converts one row.
class RowConverter {
 public:
  RowConverter(const ArraySource& source, const Arrangement& arrangement, ElementType element)
      : type_(source.type()),
        element_(element),
        arrangement_(arrangement),
        row_(static_cast<size_t>(arrangement.shape.elements()) * size_of(element)) {}

  const std::byte* operator()(const std::byte* in) {
    const bool same = (type_ == NumberType::u8 && element_ == ElementType::u8) ||
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
        } else {
          const auto value = static_cast<float>(number_at(type_, in + from * in_size));
          std::memcpy(row_.data() + to * sizeof value, &value, sizeof value);
        }
      }
    }
    return row_.data();
  }

 private:
  NumberType type_;
  ElementType element_;
  Arrangement arrangement_;
  std::vector<std::byte> row_;
};

}  // namespace

size_t size_of(NumberType type) {
  switch (type) {
    case NumberType::u8:
    case NumberType::i8:
      return 1;
    case NumberType::u16:
    case NumberType::i16:
    case NumberType::f16:
      return 2;
    case NumberType::u32:
    case NumberType::i32:
    case NumberType::f32:
      return 4;
    default:
      return 8;
  }
}

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
  const uint64_t row_bytes = train_x.row_bytes();  // also refuses rows that are too long
  const bool has_test = sources.test_x != nullptr;
  if (has_test) {
    const Arrangement test = arrange(*sources.test_x, sources.channels);
    if (test.shape != train.shape || sources.test_x->type() != train_x.type()) {
      throw data_error(
          fmt::format("{} and {} differ in shape or type", train_x.name(), sources.test_x->name()));
    }
  }
  const std::vector<int64_t> train_labels = read_labels(*sources.train_y, train_x);
  std::vector<int64_t> test_labels;
  if (has_test) test_labels = read_labels(*sources.test_y, *sources.test_x);
  const auto [least, most] = std::minmax_element(train_labels.begin(), train_labels.end());
  require_two_classes(options, sources.train_y->name(), *least == *most ? 1 : 2);
  int64_t largest = *most;
  for (const int64_t label : test_labels) largest = std::max(largest, label);

  std::optional<SeededSplit> split;
  if (!has_test) split.emplace(train_x.rows(), sources.test_share, options.shuffle_seed);
  NewDataset dataset = new_dataset(
      options, train_x.name(),
      train_x.type() == NumberType::u8 ? ElementType::u8 : ElementType::f32, train.shape);
  dataset.train_rows = split ? split->train_rows() : train_x.rows();
  dataset.test_rows = split ? split->test_rows() : sources.test_x->rows();
  Writer writer(destination, dataset);
  writer.set_class_names(class_names_for(options, static_cast<uint64_t>(largest) + 1));
  writer.set_source_sha256(options.source_sha256);

  const uint64_t total = dataset.train_rows + dataset.test_rows;
  const uint64_t window_rows = std::max<uint64_t>(1, kWindowBytes / row_bytes);
  std::vector<std::byte> window(std::min(window_rows, std::max(train_x.rows(), dataset.test_rows)) *
                                row_bytes);
  uint64_t done = 0;
  const auto copy = [&](Split own, ArraySource& x, const std::vector<int64_t>& labels) {
    RowConverter convert(x, train, dataset.element);
    for (uint64_t first = 0; first < x.rows(); first += window_rows) {
      const uint64_t count = std::min(window_rows, x.rows() - first);
      x.read(window.data(), count);
      for (uint64_t i = 0; i < count; ++i) {
        SeededSplit::Place place{own, first + i};
        if (split) place = (*split)(first + i);
        writer.put(place.split, place.row, convert(window.data() + i * row_bytes),
                   labels[first + i]);
      }
      done += count;
      if (options.progress) options.progress(done, total);
    }
    x.expect_end();
  };
  copy(Split::train, train_x, train_labels);
  if (has_test) copy(Split::test, *sources.test_x, test_labels);
  return writer.finish();
}

}  // namespace ringtrain::datasets
