// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/array_numbers.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace ringtrain::datasets {
namespace {

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

bool is_float(NumberType type) {
  return type == NumberType::f16 || type == NumberType::f32 || type == NumberType::f64;
}

bool whole_number_at(NumberType type, const std::byte* at, int64_t& value) {
  if (type == NumberType::i64) {
    std::memcpy(&value, at, sizeof value);
    return true;
  }
  if (type == NumberType::u64) {
    uint64_t large = 0;
    std::memcpy(&large, at, sizeof large);
    value = static_cast<int64_t>(large);
    return large <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  }
  value = static_cast<int64_t>(number_at(type, at));  // 32 bits: a double holds them
  return true;
}

}  // namespace ringtrain::datasets
