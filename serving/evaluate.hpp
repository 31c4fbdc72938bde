// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::serving {

struct ClassCounts {
  uint64_t samples = 0;    // with this label
  uint64_t predicted = 0;  // that the model takes for this class
  uint64_t correct = 0;    // both
};

// A sample on which the model's loss is large.
struct WorstSample {
  uint64_t row = 0;  // of the split
  double loss = 0;
  // With labels alone.
  size_t label = 0;
  size_t predicted = 0;
  double probability = 0;  // of the predicted class
};

// Some rows and what the model made of them: whoever has the model can compare.
struct Probe {
  uint64_t rows = 0;
  std::vector<std::byte> samples;  // [rows, channels, height, width] elements, not normalised
  std::vector<float> outputs;      // [rows, classes or targets]
};

struct EvaluationOfModel {
  ErrorSums sums;                    // over all samples
  std::vector<ClassCounts> classes;  // none for targets
  // [classes, classes]: samples by label and predicted class. Empty for targets, and for more than
  // kMostConfused classes.
  std::vector<uint64_t> confusion;
  std::vector<WorstSample> worst;  // the worst first
  Probe probe;
};

inline constexpr size_t kMostConfused = 1000;

// Runs the model over a split of a dataset. worst: samples to name. Throws a data error if the
// dataset's samples, classes or targets are not the model's.
EvaluationOfModel evaluate(TrainedModel& model, const datasets::DatasetIndex& dataset,
                           datasets::Split split, size_t worst = 0);

}  // namespace ringtrain::serving
