// SPDX-License-Identifier: Apache-2.0
// Questions that a prediction answers: how sure it is, what would help, how far it pays to scale.
#pragma once

#include <string>
#include <vector>

#include "base/statistics.hpp"
#include "benchmarks/predict/prediction.hpp"

namespace ringtrain::benchmarks {

// Relative standard errors of what a prediction is made from.
struct InputErrors {
  double compute = 0;
  double link = 0;
  double latency = 0;
  double sums = 0;
  double stragglers = 0;
  double sharing = 0;  // of the slowdown's excess over 1
};

// Relative error of the model itself: root mean square over the held-out points of
// benchmarks/published, by which every interval is widened (published_test.cpp checks it).
inline constexpr double kModelError = 0.032;

// Returns a 95% interval of the step's seconds: 1,000 draws of all inputs from log-normal
// distributions, by a fixed seed, and the model's own error. beyond_measured: ranks over the most
// that were measured; above 8 the upper end is at least that of stragglers with an exponential
// tail, about whose extremes few ranks say nothing.
Interval step_interval(const Scenario& scenario, const InputErrors& errors,
                       double beyond_measured = 1);

// A change, and the factor by which samples per second grow.
struct Advice {
  std::string change;
  double gain = 1;
  std::string caution;  // what else changes; empty: nothing
};
// Changes that gain at least half a percent, the largest first.
std::vector<Advice> advice(const Scenario& scenario);

// Returns the fewest ranks from which on another host's ranks bring less than half of what as many
// single ranks would, among whole hosts up to `most_hosts`; 0: none.
int knee(const Scenario& scenario, int most_hosts);

// Returns the scenario with that many ranks: one host's if they fit into it, else whole hosts.
// strong: the global batch stays, as that of reference_batch. Requires a number that fits.
Scenario with_ranks(const Scenario& scenario, int ranks, int ranks_per_host, bool strong);

}  // namespace ringtrain::benchmarks
