// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Draws `rows` rows of a split, chosen by seed, as one PNG, so that a person can see whether the
// images were imported well. Samples have one or three channels; f32 values are scaled to their own
// range. Throws a data error.
void write_contact_sheet(const DatasetIndex& index, Split split, uint64_t rows, uint64_t seed,
                         const std::filesystem::path& destination);

}  // namespace ringtrain::datasets
