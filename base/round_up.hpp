// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace ringtrain {

// Slabs are cut at cache lines, so that no two ranks or kernels write to one.
inline constexpr size_t kCacheLineFloats = 16;

constexpr size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

}  // namespace ringtrain
