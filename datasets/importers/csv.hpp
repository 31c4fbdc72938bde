// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

struct CsvSources {
  std::filesystem::path train;
  std::optional<std::filesystem::path> test;  // else a share of the training rows, drawn by seed
  double test_share = 0.1;
  // The columns of the targets, by name or number from 1; none: rows have labels.
  std::vector<std::string> targets = {};
  std::string label;           // the label's column, the same; empty: the last
  std::optional<Shape> shape;  // of a sample; else table_shape()
  char separator = ',';
};

// Imports a text table (plain or gzipped): numeric features, and one column of labels (numbers or
// words) or columns of targets (numbers). Reads the file twice, line by line. Throws a data error
// with file and line.
DatasetIndex import_csv(const CsvSources& sources, const std::filesystem::path& destination,
                        const ImportOptions& options);

}  // namespace ringtrain::datasets
