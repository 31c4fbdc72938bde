// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/array_rows.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "datasets/importers/arrays/array_numbers.hpp"

namespace ringtrain::datasets {
namespace {

bool like_channels(uint64_t n) { return n == 1 || n == 3 || n == 4; }

// The front of another array.
class FirstRows : public ArraySource {
 public:
  FirstRows(ArraySource& whole, uint64_t rows) : whole_(whole) {
    name_ = whole.name();
    type_ = whole.type();
    dims_ = whole.dims();
    dims_.front() = rows;
  }
  void read(std::byte* out, uint64_t count) override { whole_.read(out, count); }

 private:
  ArraySource& whole_;
};

}  // namespace

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

// Whole numbers of 8 and 16 bits are pictures and measurements; larger ones may be names of things,
// which must not be scaled.
ElementType element_for(NumberType type, bool floats) {
  if (type == NumberType::u8) return ElementType::u8;
  const bool small = type == NumberType::i8 || type == NumberType::i16 || type == NumberType::u16;
  return floats || small || is_float(type) ? ElementType::f32 : ElementType::i64;
}

RowConverter::RowConverter(const ArraySource& source, const Arrangement& arrangement,
                           ElementType element)
    : name_(source.name()),
      type_(source.type()),
      element_(element),
      arrangement_(arrangement),
      row_(static_cast<size_t>(arrangement.shape.elements()) * size_of(element)) {}

const std::byte* RowConverter::operator()(const std::byte* in, uint64_t row) {
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
          throw data_error(fmt::format("{}: row {} has a number above those of int64", name_, row));
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

std::unique_ptr<ArraySource> first_rows(ArraySource& whole, uint64_t rows) {
  return std::make_unique<FirstRows>(whole, rows);
}

}  // namespace ringtrain::datasets
