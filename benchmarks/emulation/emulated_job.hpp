// SPDX-License-Identifier: Apache-2.0
// Steps whose computation is slept through: what the ranks of `ringtrain bench emulate` do.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/predict/step_profile.hpp"
#include "runtime/comm/options.hpp"

namespace ringtrain::benchmarks {

struct EmulatedJob {
  StepProfile step;  // of one rank beside the others of its host, undilated
  // Times of single steps over their median, as recorded; a rank draws one of them for each step.
  std::vector<double> factors = {1};
  double bucket_bytes = 4 << 20;  // as communication.bucket_mib
  int ranks_per_host = 1;         // that keep their slabs in one memory; 0: those of each real host
  int steps = 20;
  // Seconds of computation take as many times as long, so that the cores look as much faster to
  // averaging, which is not emulated (time dilation: Gupta et al., NSDI 2006).
  double dilation = 1;
  CommOptions communication;
  int sync_every = 1;    // local SGD above 1
  int state_arrays = 1;  // of the optimizer, which local SGD averages as well
};

nlohmann::json to_json(const EmulatedJob& job);
// Throws a data error.
EmulatedJob read_emulated_job(const std::string& json);

// Returns the factor of a rank's step: the same in every run. Requires factors.
double factor_of(const EmulatedJob& job, int rank, int64_t step);

}  // namespace ringtrain::benchmarks
