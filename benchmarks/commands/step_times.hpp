// SPDX-License-Identifier: Apache-2.0
// Times of single steps, and which of them count.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// Seconds from the end of a step of one rank to the end of the next, so that waits for data count.
using StepSeconds = std::vector<double>;

// The part of a run that counts. Same rule for all contestants: the first 3 steps are dropped, then
// as many more as minimise the standard error of the mean of what is left (MSER-5: batches of 5
// steps; White 1997). A run is not steady if that would be more than half of it, or if what is left
// has a trend (Mann 1945, Kendall 1975; p < 0.01).
struct SteadySteps {
  size_t dropped = 0;
  StepSeconds steps;
  std::string why_not_steady;  // empty if it is

  double steps_per_second() const;
};

SteadySteps steady_steps(const StepSeconds& all);

// Median, 95th and 99th percentile, and jitter (1.4826 times the median absolute deviation: the
// standard deviation, if steps were normally distributed), in milliseconds.
nlohmann::ordered_json summary(const StepSeconds& steps);

}  // namespace ringtrain::benchmarks
