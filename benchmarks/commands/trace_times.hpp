// SPDX-License-Identifier: Apache-2.0
// Times and resources of ranks, from the trace.json of a job with `trace: true`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/step_times.hpp"

namespace ringtrain::benchmarks {

// Resources that the process of a rank used from the start of training to its end.
struct RankUsage {
  double cpu_seconds = 0;     // all its threads, in the program and in the kernel
  double system_seconds = 0;  // of them, in the kernel
  int64_t page_faults = 0;
  int64_t waits = 0;        // times that it left its core by itself
  int64_t preemptions = 0;  // times that it was made to
};

// From the names of a trace's "process_usage", which peers use, too.
RankUsage usage_of(const nlohmann::json& json);
nlohmann::ordered_json to_json(const RankUsage& usage);

// Seconds of a mean step of one rank by what its training thread did, each without what happened
// inside it: "data wait", "load", "forward", "backward", "wait" (for other ranks), "optimizer", and
// "other". They add up to the time from one step's end to the next.
using StepSplit = std::map<std::string, double>;

struct TraceTimes {
  std::vector<StepSeconds> steps;  // by rank
  std::vector<RankUsage> usage;    // by rank
  StepSplit split;                 // of rank 0
};

// A long run's trace holds its newest steps alone. Throws a data error.
TraceTimes read_trace(const std::filesystem::path& trace);

}  // namespace ringtrain::benchmarks
