// SPDX-License-Identifier: Apache-2.0
// The head of NumPy's .npy files (NEP 1).
#pragma once

#include <string>
#include <string_view>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Returns the bytes before the numbers of an array in C order. type: "|u1"; shape: "60000, 28, 28",
// with a comma behind a single number.
std::string npy_header(std::string_view type, const std::string& shape);

// Returns the type of numbers as npy_header() takes it.
std::string_view npy_type(ElementType element);

}  // namespace ringtrain::datasets
