// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/data/data_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/statistics.hpp"
#include "benchmarks/commands/paired_ratio.hpp"

namespace ringtrain::benchmarks {

void BenchTable::add(const std::string& name, const std::string& limit,
                     std::function<double()> run) {
  rows_.push_back({name, limit, std::move(run), {}});
}

void BenchTable::run(int wanted, const std::function<void(nlohmann::ordered_json)>& done) {
  const auto one_round = [&] {
    for (Row& row : rows_) row.results.push_back(row.run());
    return std::string();
  };
  gates_ = run_gated_rounds(wanted, true, one_round, [&](const GatedRound& gate) {
    nlohmann::ordered_json record = {{"noise", to_json(gate.noise)}, {"disturbed", gate.disturbed}};
    for (const Row& row : rows_) {
      record["runs"].push_back({{"name", row.name}, {"bytes_per_second", row.results.back()}});
    }
    done(std::move(record));
  });
  counted_ = counted_rounds(gates_, wanted);
}

const BenchTable::Row* BenchTable::find(const std::string& name) const {
  const auto found =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  return found == rows_.end() ? nullptr : &*found;
}

std::vector<double> BenchTable::results_of(const Row& row) const {
  std::vector<double> results = pick(row.results, counted_);
  if (std::find(results.begin(), results.end(), 0.0) != results.end()) results.clear();
  return results;
}

double BenchTable::rate(const std::string& name) const {
  const Row* row = find(name);
  return row == nullptr ? 0 : median(results_of(*row));
}

void BenchTable::append_to(nlohmann::ordered_json& rows, double sample_bytes) const {
  for (const Row& row : rows_) {
    nlohmann::ordered_json entry = {{"name", row.name}};
    const std::vector<double> results = results_of(row);
    if (results.empty()) {
      entry["failed"] = true;
    } else {
      entry["bytes_per_second"] = median_json(results);
      entry["samples_per_second"] = median(results) / sample_bytes;
    }
    const Row* limit = row.limit.empty() ? nullptr : find(row.limit);
    if (limit != nullptr && !results.empty() && !results_of(*limit).empty()) {
      entry["limit"] = row.limit;
      entry["share"] = to_json(paired_ratio(results, results_of(*limit)));
    }
    rows.push_back(std::move(entry));
  }
}

void print_rows(const nlohmann::ordered_json& rows) {
  for (const auto& row : rows) {
    const auto name = row["name"].get<std::string>();
    if (row.contains("failed")) {
      fmt::print("  {:<44}failed\n", name);
      continue;
    }
    fmt::print("  {:<44}{:>8.3f}{:>13.0f}", name,
               row["bytes_per_second"]["median"].get<double>() / 1e9,
               row["samples_per_second"].get<double>());
    if (row.contains("share")) {
      const auto& share = row["share"];
      fmt::print("  {:.1f}% [{:.1f}, {:.1f}] of {}", 100 * share["median"].get<double>(),
                 100 * share["low"].get<double>(), 100 * share["high"].get<double>(),
                 row["limit"].get<std::string>());
    }
    fmt::print("\n");
  }
}

}  // namespace ringtrain::benchmarks
