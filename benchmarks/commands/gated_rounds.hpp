// SPDX-License-Identifier: Apache-2.0
// Rounds of a benchmark, those that something else disturbed run again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "benchmarks/commands/noise_gate.hpp"

namespace ringtrain::benchmarks {

struct GatedRound {
  RoundNoise noise;
  std::string disturbed;  // why the round does not count; empty if it does
};

// Calls `run` once a round until `wanted` rounds were undisturbed, at most twice as often; then
// `done`. run: every contestant once; returns why the round does not count whatever the machine
// did, or "". here: all that runs is a child of this process, or a child's; if not, as with ranks
// on other hosts, the machine cannot be judged and only `run` decides.
std::vector<GatedRound> run_gated_rounds(int wanted, bool here,
                                         const std::function<std::string()>& run,
                                         const std::function<void(const GatedRound&)>& done);

// Indices of the rounds that count: the undisturbed ones, or all if those are fewer than `wanted`.
std::vector<size_t> counted_rounds(const std::vector<GatedRound>& rounds, int wanted);

// Returns whether over half of them were disturbed.
bool mostly_disturbed(const std::vector<GatedRound>& rounds);

// One value a round: those of `rounds`.
std::vector<double> pick(const std::vector<double>& values, const std::vector<size_t>& rounds);

}  // namespace ringtrain::benchmarks
