// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/data_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/statistics.hpp"

namespace ringtrain::benchmarks {

void BenchTable::add(const std::string& name, const std::string& limit,
                     std::function<double()> run) {
  rows_.push_back({name, limit, std::move(run), {}});
}

void BenchTable::run(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : rows_) row.results.push_back(row.run());
  }
}

const BenchTable::Row* BenchTable::find(const std::string& name) const {
  const auto found =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  return found == rows_.end() ? nullptr : &*found;
}

double BenchTable::rate(const std::string& name) const {
  const Row* row = find(name);
  return row == nullptr ? 0 : median(row->results);
}

double BenchTable::ratio(const std::string& name, const std::string& limit) const {
  const Row* a = find(name);
  const Row* b = find(limit);
  if (a == nullptr || b == nullptr) return 0;
  std::vector<double> ratios;
  for (size_t i = 0; i < a->results.size(); ++i) {
    if (b->results[i] > 0) ratios.push_back(a->results[i] / b->results[i]);
  }
  return median(std::move(ratios));
}

void BenchTable::print(double sample_bytes) const {
  for (const Row& row : rows_) {
    const double rate = median(row.results);
    if (rate == 0) {
      fmt::print("  {:<44}failed\n", row.name);
      continue;
    }
    fmt::print("  {:<44}{:>8.3f}{:>13.0f}", row.name, rate / 1e9, rate / sample_bytes);
    if (!row.limit.empty()) {
      fmt::print("  {:.1f}% of {}", ratio(row.name, row.limit) * 100, row.limit);
    }
    fmt::print("\n");
  }
}

void BenchTable::append_to(nlohmann::json& rows, double sample_bytes) const {
  for (const Row& row : rows_) {
    const double rate = median(row.results);
    nlohmann::json entry = {{"name", row.name},
                            {"bytes_per_second", rate},
                            {"samples_per_second", rate / sample_bytes}};
    if (!row.limit.empty()) {
      entry["limit"] = row.limit;
      entry["share"] = ratio(row.name, row.limit);
    }
    rows.push_back(std::move(entry));
  }
}

}  // namespace ringtrain::benchmarks
