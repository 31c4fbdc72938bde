// SPDX-License-Identifier: Apache-2.0
// evaluation.json beside a model: its figures, and a few rows with its outputs, which show on
// another machine whether it does the same (docs/reference/evaluation.md).
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "serving/deploy/canary.hpp"
#include "serving/evaluate.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::serving {

inline constexpr const char* kEvaluationFile = "evaluation.json";

struct SavedEvaluation {
  EvaluationFigures figures;
  std::map<std::string, std::string> sha256;  // of the model's files, by name
  Probe probe;
};

// Writes the evaluation beside the model's file. figures: of evaluation_json(). Returns the file's
// path.
std::filesystem::path save_evaluation(const TrainedModel& model, const EvaluationOfModel& found,
                                      const std::string& dataset, const std::string& split,
                                      nlohmann::ordered_json figures);

// Reads the evaluation beside a model's file; nothing where there is none. Throws a data error that
// names the file where it is damaged, or speaks of another model than this file.
std::optional<SavedEvaluation> read_evaluation(const TrainedModel& model);

// Runs the model over the probe. Throws a data error where its outputs are not those that the
// evaluation has.
void check_probe(TrainedModel& model, const SavedEvaluation& evaluation);

}  // namespace ringtrain::serving
