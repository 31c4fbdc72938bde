// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "datasets/format/plan.hpp"

namespace ringtrain::datasets {

// Reads and checks the dataset at `path`: a file, or a directory that holds all part files of one
// dataset. Throws a data error with one line that names the file and what is wrong with it. Small
// datasets (up to 256 MiB) have all their checksums and labels checked here, so that damage is
// found before training starts; a Reader checks every block when it first reads it, in any case.
Plan open_dataset(const std::filesystem::path& path);

// The same without reading the rows.
Plan open_dataset_unverified(const std::filesystem::path& path);

}  // namespace ringtrain::datasets
