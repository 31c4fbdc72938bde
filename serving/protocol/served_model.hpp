// SPDX-License-Identifier: Apache-2.0
// What requests and answers need to know of a model; without torch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"

namespace ringtrain::serving {

struct ServedModel {
  std::string name;
  std::string version;
  datasets::DatasetIndex samples;  // shape, element, class names or targets; no rows
  JobSpec::Loss loss = JobSpec::Loss::cross_entropy;

  // Numbers that the model returns for a row.
  size_t width() const {
    return samples.has_targets() ? samples.targets.names.size() : samples.class_names.size();
  }
};

// Returns the protocol's name of the samples' elements: "UINT8", "FP32", "INT64".
std::string_view datatype_of(datasets::ElementType element);

// Returns the probabilities of the classes (softmax) of a row's outputs, [classes].
std::vector<float> probabilities_of(const float* outputs, size_t classes);

// Returns the targets' values of a row's outputs, in their units, or their probabilities:
// [targets].
std::vector<float> values_of(const ServedModel& model, const float* outputs);

}  // namespace ringtrain::serving
