// SPDX-License-Identifier: Apache-2.0
#include "collectives/reduction.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/check.hpp"
#include "kernels/element.hpp"

namespace ringtrain::collectives {
namespace {

// Elements that are reduced at a time, in the first-level cache.
constexpr size_t kBlock = 1024;

// A boolean as torch stores it: one byte, 0 or 1.
struct Boolean {
  uint8_t value;
};

// IEEE 754 binary16. The conversions are Fabian Giesen's (gist.github.com/rygorous/2156668).
struct Half {
  uint16_t bits;
};

float to_wide(Half half) {
  const uint32_t shifted = static_cast<uint32_t>(half.bits & 0x7fffU) << 13;
  const float scaled = std::bit_cast<float>(shifted) * 0x1p112F;
  uint32_t bits = std::bit_cast<uint32_t>(scaled);
  if (scaled >= 65536.0F) bits |= 0x7f800000U;  // infinity and NaN
  return std::bit_cast<float>(bits | static_cast<uint32_t>(half.bits & 0x8000U) << 16);
}

void from_wide(float value, Half& half) {
  constexpr uint32_t kTooLarge = 143U << 23, kSmallestNormal = 113U << 23, kMagic = 126U << 23;
  uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits & 0x80000000U;
  bits ^= sign;
  uint32_t out = 0;
  if (bits >= kTooLarge) {
    out = bits > 0x7f800000U ? 0x7e00U : 0x7c00U;
  } else if (bits < kSmallestNormal) {
    out =
        std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + std::bit_cast<float>(kMagic)) - kMagic;
  } else {
    out = (bits - (112U << 23) + 0xfffU + ((bits >> 13) & 1U)) >> 13;
  }
  half.bits = static_cast<uint16_t>(out | sign >> 16);
}

float to_wide(kernels::bf16 value) { return kernels::to_float(value); }
void from_wide(float value, kernels::bf16& out) { out = kernels::to_bf16(value); }
bool to_wide(Boolean value) { return value.value != 0; }
void from_wide(bool value, Boolean& out) { out.value = value ? 1 : 0; }
template <class T>
requires std::is_arithmetic_v<T> T to_wide(T value) { return value; }
template <class T>
requires std::is_arithmetic_v<T>
void from_wide(T value, T& out) { out = value; }

template <class W>
bool is_nan(W value) {
  if constexpr (std::is_floating_point_v<W>) return std::isnan(value);
  return false;
}

template <Reduction R, class W>
W combine(W a, W b) {
  if constexpr (R == Reduction::min) return b < a || is_nan(b) ? b : a;
  if constexpr (R == Reduction::max) return a < b || is_nan(b) ? b : a;
  if constexpr (std::is_same_v<W, bool>) {
    if constexpr (R == Reduction::product || R == Reduction::bit_and) return a && b;
    if constexpr (R == Reduction::bit_xor) return a != b;
    return a || b;
  } else if constexpr (std::is_integral_v<W>) {
    using U = std::make_unsigned_t<W>;  // signed overflow would be undefined
    using Wide = std::conditional_t<(sizeof(U) < sizeof(unsigned)), unsigned, U>;
    const Wide x = static_cast<U>(a), y = static_cast<U>(b);
    if constexpr (R == Reduction::product) return static_cast<W>(x * y);
    if constexpr (R == Reduction::bit_and) return static_cast<W>(x & y);
    if constexpr (R == Reduction::bit_or) return static_cast<W>(x | y);
    if constexpr (R == Reduction::bit_xor) return static_cast<W>(x ^ y);
    return static_cast<W>(x + y);
  } else {
    if constexpr (R == Reduction::product) return a * b;
    return a + b;
  }
}

template <class W>
W scaled(W value, double factor) {
  return value * static_cast<W>(factor);
}

struct Arrays {
  std::span<const std::byte* const> from;
  std::span<std::byte* const> to;
  size_t count;
  std::span<const double> factors;
};

template <class T>
const T* elements(const std::byte* array, size_t begin) {
  return reinterpret_cast<const T*>(array) + begin;
}

template <class T, Reduction R>
void reduce_block(const Arrays& arrays, size_t begin, size_t n) {
  using Wide = decltype(to_wide(T{}));
  constexpr bool kSumsIntegers = R == Reduction::average && std::is_integral_v<Wide>;
  using W = std::conditional_t<kSumsIntegers, int64_t, Wide>;
  std::array<W, kBlock> total;
  const auto value = [&](size_t rank, size_t i) {
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): an int8_t is a number here
    const W wide = to_wide(elements<T>(arrays.from[rank], begin)[i]);
    if constexpr (R == Reduction::scaled_sum) return scaled(wide, arrays.factors[rank]);
    return wide;
  };
  for (size_t i = 0; i < n; ++i) total[i] = value(0, i);
  for (size_t rank = 1; rank < arrays.from.size(); ++rank) {
    for (size_t i = 0; i < n; ++i) total[i] = combine<R>(total[i], value(rank, i));
  }
  if constexpr (R == Reduction::average) {
    const auto ranks = static_cast<W>(arrays.from.size());
    for (size_t i = 0; i < n; ++i) total[i] = static_cast<W>(total[i] / ranks);
  }
  for (std::byte* array : arrays.to) {
    T* out = reinterpret_cast<T*>(array) + begin;
    for (size_t i = 0; i < n; ++i) from_wide(static_cast<Wide>(total[i]), out[i]);
  }
}

template <class T, Reduction R>
void reduce_arrays(const Arrays& arrays) {
  for (size_t begin = 0; begin < arrays.count; begin += kBlock) {
    reduce_block<T, R>(arrays, begin, std::min(kBlock, arrays.count - begin));
  }
}

template <class T>
void reduce_as(Reduction reduction, const Arrays& arrays) {
  constexpr bool kBits = std::is_integral_v<decltype(to_wide(T{}))>;
  constexpr bool kNumber = !std::is_same_v<T, Boolean>;
  switch (reduction) {
    case Reduction::sum:
      return reduce_arrays<T, Reduction::sum>(arrays);
    case Reduction::product:
      return reduce_arrays<T, Reduction::product>(arrays);
    case Reduction::min:
      return reduce_arrays<T, Reduction::min>(arrays);
    case Reduction::max:
      return reduce_arrays<T, Reduction::max>(arrays);
    case Reduction::average:
      if constexpr (kNumber) return reduce_arrays<T, Reduction::average>(arrays);
      break;
    case Reduction::scaled_sum:
      if constexpr (!kBits) return reduce_arrays<T, Reduction::scaled_sum>(arrays);
      break;
    case Reduction::bit_and:
      if constexpr (kBits) return reduce_arrays<T, Reduction::bit_and>(arrays);
      break;
    case Reduction::bit_or:
      if constexpr (kBits) return reduce_arrays<T, Reduction::bit_or>(arrays);
      break;
    case Reduction::bit_xor:
      if constexpr (kBits) return reduce_arrays<T, Reduction::bit_xor>(arrays);
      break;
  }
  RINGTRAIN_CHECK(!"a reduction that can_reduce() refuses");
}

}  // namespace

size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::int16:
    case ElementType::float16:
    case ElementType::bfloat16:
      return 2;
    case ElementType::int32:
    case ElementType::float32:
      return 4;
    case ElementType::int64:
    case ElementType::float64:
      return 8;
    default:
      return 1;
  }
}

std::string_view name_of(ElementType type) {
  constexpr std::array kNames = {"bool",    "uint8",    "int8",    "int16",   "int32", "int64",
                                 "float16", "bfloat16", "float32", "float64", "bytes"};
  return kNames[static_cast<size_t>(type)];
}

std::string_view name_of(Reduction reduction) {
  constexpr std::array kNames = {"sum", "average", "scaled sum",   "product",     "min",
                                 "max", "and",     "inclusive or", "exclusive or"};
  return kNames[static_cast<size_t>(reduction)];
}

bool can_reduce(ElementType type, Reduction reduction) {
  const bool bits = reduction >= Reduction::bit_and;
  switch (type) {
    case ElementType::raw:
      return false;
    case ElementType::boolean:
      return reduction != Reduction::average && reduction != Reduction::scaled_sum;
    case ElementType::float16:
    case ElementType::bfloat16:
    case ElementType::float32:
    case ElementType::float64:
      return !bits;
    default:
      return reduction != Reduction::scaled_sum;
  }
}

void reduce(ElementType type, Reduction reduction, std::span<const std::byte* const> from,
            std::span<std::byte* const> to, size_t count, std::span<const double> factors) {
  RINGTRAIN_CHECK(!from.empty() && can_reduce(type, reduction));
  const Arrays arrays = {from, to, count, factors};
  switch (type) {
    case ElementType::boolean:
      return reduce_as<Boolean>(reduction, arrays);
    case ElementType::uint8:
      return reduce_as<uint8_t>(reduction, arrays);
    case ElementType::int8:
      return reduce_as<int8_t>(reduction, arrays);
    case ElementType::int16:
      return reduce_as<int16_t>(reduction, arrays);
    case ElementType::int32:
      return reduce_as<int32_t>(reduction, arrays);
    case ElementType::int64:
      return reduce_as<int64_t>(reduction, arrays);
    case ElementType::float16:
      return reduce_as<Half>(reduction, arrays);
    case ElementType::bfloat16:
      return reduce_as<kernels::bf16>(reduction, arrays);
    case ElementType::float32:
      return reduce_as<float>(reduction, arrays);
    case ElementType::float64:
      return reduce_as<double>(reduction, arrays);
    case ElementType::raw:
      break;
  }
}

}  // namespace ringtrain::collectives
