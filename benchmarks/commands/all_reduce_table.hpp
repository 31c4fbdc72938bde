// SPDX-License-Identifier: Apache-2.0
// Rounds of `ringtrain bench allreduce`, as records and as a table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/gated_rounds.hpp"

namespace ringtrain::benchmarks {

inline constexpr const char* kGloo = "PyTorch, Gloo";

// One contestant with one size in one round.
struct AllReduceRun {
  uint64_t bytes = 0;
  std::string name;
  double seconds = 0;
  uint64_t wrong = 0;
};

struct AllReduceRound {
  std::vector<AllReduceRun> runs;
  double link = 0;  // bytes per second; 0: all ranks are on one node
};

struct AllReduceRounds {
  int ranks = 0;
  std::vector<AllReduceRound> rounds;
  std::vector<GatedRound> gates;  // by round
};

// {"kind": "round", ...}
nlohmann::ordered_json to_json(const GatedRound& gate, const AllReduceRound& round);

// {"kind": "table", ...} of the rounds that count; rows by size, those of one size in the order in
// which they ran. Each has its time, and the ratios "times_gloo" and "share_of_limit" where there
// is something to relate it to. The limit: memcpy, or the link between nodes.
nlohmann::ordered_json all_reduce_table(const AllReduceRounds& measured, int wanted);

void print_all_reduce_table(const nlohmann::ordered_json& table);

}  // namespace ringtrain::benchmarks
