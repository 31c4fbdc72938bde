// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Cuts a dataset into `parts` files part-00000-of-00004.h5 ... in a new directory. Each is a
// dataset of its own, with the uuid of the whole; the directory opens as the whole again, with the
// same rows in the same order. Parts are cut between blocks. All or nothing: on an error the
// directory is gone again. Throws a data error when there are fewer training blocks than parts, or
// the directory exists and is not empty.
std::vector<std::filesystem::path> split_dataset(const Plan& whole,
                                                 const std::filesystem::path& directory,
                                                 uint32_t parts, const Progress& progress = {});

}  // namespace ringtrain::datasets
