// SPDX-License-Identifier: Apache-2.0
// Rounds in which every contestant trains once.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/gated_rounds.hpp"
#include "benchmarks/commands/training_run.hpp"

namespace ringtrain::benchmarks {

struct SampledRounds {
  std::vector<GatedRound> rounds;
  std::vector<std::vector<StepSample>> samples;  // by round, then by contestant
};

// Returns "NAME: REASON; ..." of the contestants that were not steady; empty if all were.
std::string why_not_steady(const std::vector<StepSample>& samples,
                           const std::vector<std::string>& names);

// Samples per second of one contestant, by round.
std::vector<double> rates_of(const SampledRounds& all, size_t contestant,
                             const std::vector<size_t>& rounds);

// Seconds of all steps that count of one contestant's first rank; empty where steps are unknown.
StepSeconds steps_of(const SampledRounds& all, size_t contestant,
                     const std::vector<size_t>& rounds);

// Adds "usage_by_rank" and "step_microseconds_by_rank" to the record of a run.
void add_ranks(nlohmann::ordered_json& run, const StepSample& sample);

}  // namespace ringtrain::benchmarks
