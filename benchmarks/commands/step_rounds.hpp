// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/statistics.hpp"
#include "benchmarks/commands/noise_gate.hpp"
#include "benchmarks/commands/step_contestants.hpp"

namespace ringtrain::benchmarks {

// One round: every contestant once, in an order of the round's own.
struct StepRound {
  RoundNoise noise;
  std::vector<StepSample> samples;  // as contestants are numbered

  // Empty if the round counts.
  std::string why_disturbed(const std::vector<Contestant>& contestants) const;
};

// Rounds until `wanted` of them were undisturbed, at most twice as many; calls `done` after each.
// The first two contestants, which are compared most closely, run in a row, in alternating order;
// the others follow in a rotating one.
std::vector<StepRound> run_rounds(const std::vector<Contestant>& contestants, int wanted,
                                  const std::function<void(const StepRound&)>& done);

// Rounds that count: the undisturbed ones, or all if those are fewer than `wanted`.
std::vector<StepRound> counted_rounds(const std::vector<StepRound>& rounds,
                                      const std::vector<Contestant>& contestants, int wanted);

// ringtrain over a contestant, by round.
struct PairedRatio {
  double median = 0;
  Interval interval;  // of the median
  double p = 1;       // sign-flip test of the ratios' logarithms
};

PairedRatio paired_ratio(const std::vector<double>& numerators,
                         const std::vector<double>& denominators);
// "0.980 [0.971, 0.992]", and "~" behind it where the ratio may as well be 1 (p >= 0.05).
std::string print(const PairedRatio& ratio);
nlohmann::ordered_json to_json(const PairedRatio& ratio);

// The record of one round: {"kind": "round", ...}, every step of every rank in microseconds.
nlohmann::ordered_json to_json(const StepRound& round, const std::vector<Contestant>& contestants,
                               const std::string& model);

}  // namespace ringtrain::benchmarks
