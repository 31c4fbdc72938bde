// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// What every importer takes.
struct ImportOptions {
  std::string source;                    // for people; empty: the importer names its files
  std::string source_sha256;             // of the main source file, where known
  uint64_t shuffle_seed = 0;             // of the order in which rows are written
  uint64_t block_rows = 0;               // 0: chosen by the size of a row
  std::vector<std::string> class_names;  // empty: from the source, else the labels as numbers
  Progress progress;
};

// "0" to "count - 1".
std::vector<std::string> numbered_classes(uint64_t count);

// The names given, checked to be enough for labels below `classes`, or numbers. Throws a data
// error.
std::vector<std::string> class_names_for(const ImportOptions& options, uint64_t classes);

}  // namespace ringtrain::datasets
