// SPDX-License-Identifier: Apache-2.0
// Scaling that others have published, as tests of the model: benchmarks/published/*.json.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/predict/prediction.hpp"

namespace ringtrain::benchmarks {

// A run that somebody measured, and what is known of it beside its result.
struct PublishedPoint {
  std::string table;
  std::string model;
  bool held_out = true;  // false: stragglers and share of the link may be fitted to it
  bool fitted = false;   // false: the table's own stragglers and share of the link are taken
  Scenario scenario;     // step: as if alone, before stragglers are taken off the base
  int base_ranks = 1;
  double base_seconds = 0;       // a step of the smaller run
  double reference_seconds = 0;  // a step without loss, for efficiencies; the base if none is given
  double measured_seconds = 0;

  double efficiency(double seconds) const { return reference_seconds / seconds; }
};

// Reads one file. name: for errors. Throws a data error that names the file and the key.
std::vector<PublishedPoint> read_published(const std::string& json, const std::string& name);

struct FittedParameters {
  double stragglers = 0;  // Stragglers::random
  double link_share = 1;  // achieved bandwidth over the line's rate
};

// Least squares of the logarithms of the points that may be fitted to.
FittedParameters fit_published(const std::vector<PublishedPoint>& points);

// Seconds of a step, from the base and the inputs alone.
double predicted_seconds(const PublishedPoint& point, const FittedParameters& fitted);

}  // namespace ringtrain::benchmarks
