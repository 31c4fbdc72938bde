// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace ringtrain {

// Slabs are cut at cache lines, so that no two ranks or kernels write to one.
inline constexpr size_t kCacheLineBytes = 64;
inline constexpr size_t kCacheLineFloats = kCacheLineBytes / sizeof(float);

// Returns the smallest multiple of `to` that is not below n.
constexpr size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// Returns how many pieces of `size` cover n.
constexpr size_t divide_up(size_t n, size_t size) { return (n + size - 1) / size; }

}  // namespace ringtrain
