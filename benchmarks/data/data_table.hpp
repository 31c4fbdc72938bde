// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/commands/gated_rounds.hpp"

namespace ringtrain::benchmarks {

// Contestants in a fixed order; every round runs each of them once.
class BenchTable {
 public:
  // Adds a contestant. `limit`: the contestant that it is compared with, or empty. `run` reads once
  // and returns bytes per second, 0 if it failed.
  void add(const std::string& name, const std::string& limit, std::function<double()> run);
  // Runs until `wanted` rounds were undisturbed, at most twice as many; calls `done` with the
  // record of each: {"noise", "disturbed", "runs"}.
  void run(int wanted, const std::function<void(nlohmann::ordered_json)>& done);
  bool was_disturbed() const { return mostly_disturbed(gates_); }

  // Returns the median rate of the rounds that count, 0 if it failed.
  double rate(const std::string& name) const;
  // Appends {"name", "bytes_per_second", "samples_per_second", "limit", "share"} for each, figures
  // with their intervals, the share of its limit by round.
  void append_to(nlohmann::ordered_json& rows, double sample_bytes) const;

 private:
  struct Row {
    std::string name;
    std::string limit;
    std::function<double()> run;
    std::vector<double> results;  // by round
  };
  const Row* find(const std::string& name) const;
  // Rates in the rounds that count; empty if it failed in one.
  std::vector<double> results_of(const Row& row) const;

  std::vector<Row> rows_;
  std::vector<GatedRound> gates_;
  std::vector<size_t> counted_;
};

// Prints rows that append_to() has made.
void print_rows(const nlohmann::ordered_json& rows);

}  // namespace ringtrain::benchmarks
