// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/step/step_rounds.hpp"

namespace ringtrain::benchmarks {

// The figures of all rounds that count: {"kind": "table", ...}. Ratios are of ringtrain over a
// contestant. Where the ranks' cores were near in some rounds and far in others, "near" and "far"
// hold the ratio of each kind: a median over both would be one of neither.
nlohmann::ordered_json step_table(const SampledRounds& all,
                                  const std::vector<Contestant>& contestants,
                                  const StepOptions& options, const std::string& model);

void print_step_table(const nlohmann::ordered_json& table);

}  // namespace ringtrain::benchmarks
