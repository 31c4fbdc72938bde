// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/predict_inputs.hpp"
#include "benchmarks/predict/published.hpp"

namespace ringtrain::benchmarks {

// A line of the table.
struct PredictRow {
  Scenario scenario;
  Prediction prediction;
  Interval seconds;  // of the step
  std::vector<Limit> limits;
};

struct PredictReport {
  PredictSetting setting;
  std::vector<PredictRow> rows;
  std::vector<Advice> advice;  // for the last row
  int knee = 0;                // ranks; 0: none up to the last row's
};

// Predicts for all of options.ranks. Throws a job error for a number of ranks that does not fill
// its hosts.
PredictReport predict_report(const PredictOptions& options);

void print(const PredictReport& report, const PredictOptions& options);
nlohmann::ordered_json to_json(const PredictReport& report, const PredictOptions& options);

// Predicts published runs, and prints each beside its result and beside perfect scaling. Returns
// the same as JSON.
nlohmann::ordered_json audit(const std::vector<PublishedPoint>& points);

}  // namespace ringtrain::benchmarks
