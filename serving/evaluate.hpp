// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::serving {

struct ClassCounts {
  uint64_t samples = 0;  // with this label
  uint64_t correct = 0;
};

// With more classes nobody reads the matrix.
inline constexpr size_t kMostConfused = 200;

struct EvaluationOfModel {
  ErrorSums sums;                    // over all samples
  std::vector<ClassCounts> classes;  // none for targets
  // Samples by label and by class found: [classes][classes]; empty for targets, and for more than
  // kMostConfused classes.
  std::vector<std::vector<uint64_t>> confusion;
};

// Runs the model over a split of a dataset. Throws a data error if the dataset's samples, classes
// or targets are not the model's.
EvaluationOfModel evaluate(TrainedModel& model, const datasets::DatasetIndex& dataset,
                           datasets::Split split);

}  // namespace ringtrain::serving
