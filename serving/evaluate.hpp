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

struct EvaluationOfModel {
  uint64_t samples = 0;
  uint64_t correct = 0;
  double loss = 0;  // mean cross entropy, in nats
  std::vector<ClassCounts> classes;
};

// Runs the model over a split of a dataset. Throws a data error if the dataset's samples or classes
// are not the model's.
EvaluationOfModel evaluate(TrainedModel& model, const datasets::DatasetIndex& dataset,
                           datasets::Split split);

}  // namespace ringtrain::serving
