// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "datasets/format/plan.hpp"

namespace ringtrain::datasets {

// Draws `rows` rows of a split (drawn by seed) with their class names under them as one PNG, so
// that a person can see whether images and labels belong together. Samples with one or three
// channels; f32 values are scaled to their own range. Throws a data error.
void write_contact_sheet(const Plan& plan, Split split, uint64_t rows, uint64_t seed,
                         const std::filesystem::path& destination);

}  // namespace ringtrain::datasets
