// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "collectives/element_type.hpp"

namespace ringtrain::collectives {

// scaled_sum: each rank's values times a factor of that rank. average: that of integers is rounded
// towards zero; the sum in it does not wrap around but for int64. Sums of booleans are "or",
// products "and".
enum class Reduction : uint8_t {
  sum,
  average,
  scaled_sum,
  product,
  min,
  max,
  bit_and,
  bit_or,
  bit_xor,
};

std::string_view name_of(Reduction reduction);

// Returns false for bitwise reductions of floats, averages of booleans, scaled sums of
// booleans and integers, and `raw`.
bool can_reduce(ElementType type, Reduction reduction);

// Writes the reduction of `from`, one array of `count` elements a rank, to each array of `to`. An
// array of `to` may be one of `from`; otherwise they must not overlap.
//
// Elements are reduced in the order of `from`: the same bits whoever reduces. float16 and bfloat16
// are reduced in fp32 and rounded once.
//
// factors: one a rank for scaled_sum, else not read.
//
// Requires: can_reduce(type, reduction); at least one array in `from`.
void reduce(ElementType type, Reduction reduction, std::span<const std::byte* const> from,
            std::span<std::byte* const> to, size_t count, std::span<const double> factors);

}  // namespace ringtrain::collectives
