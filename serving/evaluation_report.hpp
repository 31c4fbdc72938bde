// SPDX-License-Identifier: Apache-2.0
// What an evaluation found, as text for people and as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "serving/evaluate.hpp"

namespace ringtrain::serving {

// model: what the model knows of its samples. split: "test" or "train".
nlohmann::ordered_json evaluation_json(const EvaluationOfModel& found,
                                       const datasets::DatasetIndex& model);
// Returns several lines, the last with its newline.
std::string evaluation_text(const EvaluationOfModel& found, const datasets::DatasetIndex& model,
                            const std::string& split);

}  // namespace ringtrain::serving
