// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "datasets/importers/arrays/array_source.hpp"
#include "datasets/importers/byte_source.hpp"

namespace ringtrain::datasets {

// Reads NumPy's .npy format (NEP 1), versions 1 to 3, of numbers in C order. Arrays of Python
// objects are pickles, which can run any code when read, and are refused; so is a header that
// promises more than the source can hold. Throws a data error.
std::unique_ptr<ArraySource> npy_source(std::unique_ptr<ByteSource> bytes);
std::unique_ptr<ArraySource> open_npy(const std::filesystem::path& path);

}  // namespace ringtrain::datasets
