// SPDX-License-Identifier: Apache-2.0
#include "serving/array_file.hpp"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "datasets/importers/arrays/array_source.hpp"
#include "datasets/importers/arrays/npy.hpp"
#include "serving/dims.hpp"

namespace ringtrain::serving {
namespace {

using datasets::NumberType;

at::ScalarType scalar_type(NumberType type) {
  switch (type) {
    case NumberType::u8:
      return at::kByte;
    case NumberType::i8:
      return at::kChar;
    case NumberType::u16:
      return at::kUInt16;
    case NumberType::i16:
      return at::kShort;
    case NumberType::u32:
      return at::kUInt32;
    case NumberType::i32:
      return at::kInt;
    case NumberType::u64:
      return at::kUInt64;
    case NumberType::i64:
      return at::kLong;
    case NumberType::f16:
      return at::kHalf;
    case NumberType::f32:
      return at::kFloat;
    case NumberType::f64:
      return at::kDouble;
  }
  return at::kFloat;
}

// Returns the array as [rows, channels, height, width], or nothing if it does not fit.
std::optional<at::Tensor> as_rows(const at::Tensor& array, const datasets::Shape& shape) {
  const Dims dims = array.sizes().vec();
  const Dims first = {shape.channels, shape.height, shape.width};
  const Dims last = {shape.height, shape.width, shape.channels};
  const Dims wanted = {-1, shape.channels, shape.height, shape.width};
  // Dimensions of one sample: all, or all but the first, which then counts rows.
  for (const size_t skipped : {size_t{0}, size_t{1}}) {
    const Dims own(dims.begin() + static_cast<std::ptrdiff_t>(skipped), dims.end());
    if (without_ones(own) == without_ones(first)) return array.reshape(wanted);
    if (own == last) {
      return array.reshape({-1, shape.height, shape.width, shape.channels}).permute({0, 3, 1, 2});
    }
    if (dims.empty()) break;
  }
  return std::nullopt;
}

at::Tensor read_whole(datasets::ArraySource& source) {
  const Dims dims(source.dims().begin(), source.dims().end());
  at::Tensor array = at::empty(dims, scalar_type(source.type()));
  source.read(static_cast<std::byte*>(array.mutable_data_ptr()), source.rows());
  source.expect_end();
  return array;
}

}  // namespace

std::vector<Sample> read_array(const std::filesystem::path& file,
                               const datasets::DatasetIndex& model) {
  const datasets::Shape& shape = model.shape;
  const auto source = datasets::open_npy(file);
  const at::Tensor array = read_whole(*source);
  const auto found = as_rows(array, shape);
  if (!found) {
    throw data_error(fmt::format(
        "{} has the shape [{}]; the model takes [{}, {}, {}], or rows of it", file.string(),
        fmt::join(source->dims(), ", "), shape.channels, shape.height, shape.width));
  }
  at::Tensor rows = found->contiguous();
  const bool u8 = model.element == datasets::ElementType::u8;
  if (u8 && rows.scalar_type() != at::kByte) {
    rows = rows.to(at::kDouble);
    const bool whole =
        rows.ge(0).logical_and(rows.le(255)).logical_and(rows.eq(rows.round())).all().item<bool>();
    if (!whole) {
      throw data_error(
          file.string() +
          ": the model was trained on whole numbers from 0 to 255, which it scales itself");
    }
  }
  const bool whole = model.element == datasets::ElementType::i64;
  if (whole && (rows.is_floating_point() || rows.scalar_type() == at::kUInt64)) {
    throw data_error(file.string() + ": the model takes whole numbers of at most int64");
  }
  rows = rows.to(u8 ? at::kByte : whole ? at::kLong : at::kFloat);
  std::vector<Sample> samples;
  const auto* const bytes = static_cast<const std::byte*>(rows.const_data_ptr());
  for (int64_t row = 0; row < rows.size(0); ++row) {
    const std::byte* const begin = bytes + static_cast<uint64_t>(row) * model.row_bytes();
    samples.push_back(
        {.name = rows.size(0) == 1 ? file.string() : fmt::format("{} {}", file.string(), row),
         .bytes = {begin, begin + model.row_bytes()}});
  }
  return samples;
}

}  // namespace ringtrain::serving
