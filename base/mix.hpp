// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/host_device.hpp"

namespace ringtrain {

// A counter-based hash (the finaliser of SplitMix64, Steele, Lea and Flood 2014): every bit of the
// result depends on every bit of the argument.
RINGTRAIN_HOST_DEVICE uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// The same of several numbers.
RINGTRAIN_HOST_DEVICE uint64_t mix(uint64_t a, uint64_t b) { return mix(mix(a) + b); }
RINGTRAIN_HOST_DEVICE uint64_t mix(uint64_t a, uint64_t b, uint64_t c) {
  return mix(mix(a, b) + c);
}

}  // namespace ringtrain
