// SPDX-License-Identifier: Apache-2.0
// Checksums and labels of rows against the plan.
#pragma once

#include <cstddef>
#include <cstdint>

#include "datasets/format/plan.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Checks one block in memory: `block` counts from the start of the piece; x and y are its rows.
// y need not be aligned. Throws a data error naming file, dataset and rows.
void verify_block(const Plan& plan, Split split, const Piece& piece, uint64_t block,
                  const std::byte* x, const std::byte* y);

// Reads every block of the dataset and checks it.
void verify(const Plan& plan, const Progress& progress = {});

}  // namespace ringtrain::datasets
