// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// Contestants in a fixed order; every round runs each of them once.
class BenchTable {
 public:
  // Adds a contestant. `limit`: the contestant that it is compared with, or empty. `run` reads once
  // and returns bytes per second, 0 if it failed.
  void add(const std::string& name, const std::string& limit, std::function<double()> run);
  void run(int rounds);
  // Returns the median rate, 0 if it failed.
  double rate(const std::string& name) const;
  // Returns the median over rounds of the ratio inside a round: drifts of the machine cancel out.
  double ratio(const std::string& name, const std::string& limit) const;
  void print(double sample_bytes) const;
  // Appends {"name", "bytes_per_second", "samples_per_second", "limit", "share"} for each.
  void append_to(nlohmann::json& rows, double sample_bytes) const;

 private:
  struct Row {
    std::string name;
    std::string limit;
    std::function<double()> run;
    std::vector<double> results;
  };
  const Row* find(const std::string& name) const;

  std::vector<Row> rows_;
};

}  // namespace ringtrain::benchmarks
