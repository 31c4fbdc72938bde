// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

// Imports CIFAR-10 or CIFAR-100 in the binary version
// (https://www.cs.toronto.edu/~kriz/cifar.html): a folder with data_batch_1.bin to data_batch_5.bin
// and test_batch.bin, or train.bin and test.bin (fine labels are taken), or the .tar.gz as it is
// downloaded. The Python version is a pickle and refused. Throws a data error.
DatasetIndex import_cifar(const std::filesystem::path& source,
                          const std::filesystem::path& destination, const ImportOptions& options);

}  // namespace ringtrain::datasets
