// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::benchmarks {

// Reads training rows with H5Dread, for `ringtrain bench data`: the cost of our reader if it used
// libhdf5. Each call of `next` sets the first row and the number of rows to read next; a count of 0
// ends. Returns the rows read.
uint64_t read_with_libhdf5(const datasets::DatasetIndex& index,
                           const std::function<void(uint64_t& first, uint64_t& count)>& next);

}  // namespace ringtrain::benchmarks
