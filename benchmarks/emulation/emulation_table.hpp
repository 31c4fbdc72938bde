// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/statistics.hpp"
#include "benchmarks/commands/gated_rounds.hpp"
#include "benchmarks/emulation/validity.hpp"

namespace ringtrain::benchmarks {

// One number of ranks, by round.
struct EmulatedPoint {
  int ranks = 0;
  int ranks_per_host = 1;
  std::vector<GatedRound> rounds;
  std::vector<EmulatedRun> at_k;
  std::vector<EmulatedRun> at_twice;  // empty where the dilation is fixed by a link's
  double compute_seconds = 0;         // a step of one rank that waits for nobody
  std::optional<double> predicted_seconds;
  Interval predicted_interval;  // 95%
};

nlohmann::ordered_json to_json(const EmulatedRun& run);
nlohmann::ordered_json round_record(const EmulatedPoint& point, size_t round);
// A row of the table: figures over the rounds that count, and "void" with the reason.
nlohmann::ordered_json row_of(const EmulatedPoint& point, int wanted_rounds);
void print_emulation_table(const nlohmann::ordered_json& table);

}  // namespace ringtrain::benchmarks
