// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "datasets/importers/arrays/array_source.hpp"

namespace ringtrain::datasets {

// Returns the number of a type that is stored at `at`, which need not be aligned.
double number_at(NumberType type, const std::byte* at);

// True for f16, f32 and f64.
bool is_float(NumberType type);

// Reads a whole number of any size. Returns false if it is larger than an int64 holds.
// Requires: !is_float(type).
bool whole_number_at(NumberType type, const std::byte* at, int64_t& value);

}  // namespace ringtrain::datasets
