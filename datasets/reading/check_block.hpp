// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Checks the checksums, and labels or targets, of a block in memory: `block` counts from the start
// of the piece, x and y are its rows; y need not be aligned. Throws a data error that names file,
// split and rows.
void check_block(const DatasetIndex& index, Split split, const Piece& piece, uint64_t block,
                 const std::byte* x, const std::byte* y);

}  // namespace ringtrain::datasets
