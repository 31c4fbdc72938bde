// SPDX-License-Identifier: Apache-2.0
// A step's profile from a timeline.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/predict/step_profile.hpp"

namespace ringtrain::benchmarks {

struct TraceProfile {
  StepProfile step;     // batch: not in a trace, 0. Times are medians over steps and ranks
  std::string program;  // "ringtrain" or "PyTorch"
  int ranks = 1;        // that ran beside each other
  size_t steps = 0;     // that the medians are of
  double exposed = 0;   // seconds of waiting for sums, in no part of `step`
  // Buckets are there, but without sizes: the trace does not say them. Each has 0 bytes.
  bool sizes_unknown = false;
};

// Reads a Chrome trace: trace.json of a run with `trace: true`, or what
// torch.profiler.profile(...).export_chrome_trace() writes for a script that calls
// profiler.step() after every step, with DistributedDataParallel or without, on CPU or GPU. Sizes
// of PyTorch's buckets need NCCL or record_shapes=True. name: for errors. Throws a data error.
TraceProfile read_trace_profile(const std::string& json, const std::string& name);

}  // namespace ringtrain::benchmarks
