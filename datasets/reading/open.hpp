// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "datasets/format/dataset_index.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::datasets {

// Reads and checks the dataset at `path`: a file, or a directory that holds all shards of one
// dataset. Throws a data error: one line that names the file and what is wrong with it. Small
// datasets (up to 256 MiB) have all their checksums and labels checked here, so that damage is
// found before training starts; a Reader checks every block when it first reads it, in any case.
//
// `path` may be a URL: of a file, or of a folder of shards on S3, which ends in a slash. Rows are
// not read then.
DatasetIndex open_dataset(const std::filesystem::path& path,
                          const storage::CacheOptions& cache = {});

// The same without reading rows.
DatasetIndex open_dataset_unverified(const std::filesystem::path& path,
                                     const storage::CacheOptions& cache = {});

}  // namespace ringtrain::datasets
