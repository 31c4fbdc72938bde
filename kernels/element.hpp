// SPDX-License-Identifier: Apache-2.0
// What element functors are made of. A functor holds the arithmetic of one element and is compiled
// twice, for the host driver and for the CUDA driver, so tests on the host cover the arithmetic of
// both.
//
// Both sides round after every operation (-ffp-contract=off, nvcc -fmad=false): an element has the
// same bits on the host and on the device, in every instruction set variant, at every alignment.
#pragma once

#include <bit>
#include <cstdint>

#include "base/host_device.hpp"

namespace ringtrain::kernels {

// The upper half of an IEEE single: 8 bits of exponent, 7 of mantissa. It has the layout of
// at::BFloat16 and __nv_bfloat16.
struct bf16 {
  uint16_t bits = 0;
};

RINGTRAIN_HOST_DEVICE uint32_t bits_of(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  return std::bit_cast<uint32_t>(value);
#endif
}

RINGTRAIN_HOST_DEVICE float float_of(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

RINGTRAIN_HOST_DEVICE float to_float(float value) { return value; }

RINGTRAIN_HOST_DEVICE float to_float(bf16 value) {
  return float_of(static_cast<uint32_t>(value.bits) << 16);
}

// Rounds to the nearest, ties to even; values beyond the largest become infinity. A NaN stays a NaN
// of the same sign: it is made quiet, since the bits that are cut off may be the only ones set.
RINGTRAIN_HOST_DEVICE bf16 to_bf16(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40U;
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  return {static_cast<uint16_t>(is_nan ? quiet : rounded)};
}

// Converts a float to the type in which it is stored.
template <class Stored>
RINGTRAIN_HOST_DEVICE Stored to(float value);
template <>
RINGTRAIN_HOST_DEVICE float to<float>(float value) {
  return value;
}
template <>
RINGTRAIN_HOST_DEVICE bf16 to<bf16>(float value) {
  return to_bf16(value);
}

// The square of a float is exact in double (24 + 24 bits of 53), and no finite float overflows it:
// a sum of squares is finite exactly where all its elements are. That is the finite check of every
// kernel here.
RINGTRAIN_HOST_DEVICE double squared(float value) {
  const double wide = value;
  return wide * wide;
}

}  // namespace ringtrain::kernels
