// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/sampled_rounds.hpp"
#include "benchmarks/step/step_contestants.hpp"

namespace ringtrain::benchmarks {

// Runs every contestant once a round, in an order of the round's own: the first two, which are
// compared most closely, in a row, in alternating order; the others follow in a rotating one. A
// round does not count if a contestant was not steady. Calls `done` with each round's record.
SampledRounds run_step_rounds(const std::vector<Contestant>& contestants, int wanted,
                              const std::string& model,
                              const std::function<void(const nlohmann::ordered_json&)>& done);

// The record of one round: {"kind": "round", ...}, every step of every rank in microseconds.
nlohmann::ordered_json to_json(const GatedRound& round, const std::vector<StepSample>& samples,
                               const std::vector<Contestant>& contestants,
                               const std::string& model);

}  // namespace ringtrain::benchmarks
