// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/emulation_table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

#include "benchmarks/commands/paired_ratio.hpp"

namespace ringtrain::benchmarks {
namespace {

std::vector<double> over(const std::vector<EmulatedRun>& runs, const std::vector<size_t>& rounds,
                         double (*value)(const EmulatedRun&)) {
  std::vector<double> values;
  for (const size_t round : rounds) values.push_back(value(runs[round]));
  return values;
}

double step_ms(const EmulatedRun& run) { return 1e3 * step_of(run); }

// The reason of most rounds that are void; empty if at most half of them are.
std::string why_void(const EmulatedPoint& point, const std::vector<size_t>& rounds) {
  std::vector<std::string> reasons;
  for (const size_t round : rounds) {
    const std::string why = point.at_twice.empty()
                                ? why_void(point.at_k[round])
                                : why_void(point.at_k[round], point.at_twice[round]);
    if (!why.empty()) reasons.push_back(why);
  }
  return 2 * reasons.size() > rounds.size() ? reasons.front() : "";
}

}  // namespace

nlohmann::ordered_json to_json(const EmulatedRun& run) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const double step : run.step_seconds) steps.push_back(std::llround(step * 1e6));
  return {{"dilation", run.dilation},
          {"cpu_share", run.cpu_share},
          {"core_wait_share", run.core_wait_share},
          {"slept_share", run.slept_share},
          {"start_seconds", run.start_seconds},
          {"resident_bytes", run.resident_bytes},
          {"step_microseconds", steps}};
}

nlohmann::ordered_json round_record(const EmulatedPoint& point, size_t round) {
  nlohmann::ordered_json record = {{"kind", "round"},
                                   {"ranks", point.ranks},
                                   {"noise", to_json(point.rounds[round].noise)},
                                   {"disturbed", point.rounds[round].disturbed}};
  record["runs"].push_back(to_json(point.at_k[round]));
  if (!point.at_twice.empty()) record["runs"].push_back(to_json(point.at_twice[round]));
  return record;
}

nlohmann::ordered_json row_of(const EmulatedPoint& point, int wanted_rounds) {
  const std::vector<size_t> rounds = counted_rounds(point.rounds, wanted_rounds);
  const auto value = [&](double (*of)(const EmulatedRun&)) {
    return median_json(over(point.at_k, rounds, of));
  };
  nlohmann::ordered_json row = {
      {"class", fmt::format("emulated x{:g}", point.at_k.front().dilation)},
      {"ranks", point.ranks},
      {"ranks_per_host", point.ranks_per_host},
      {"rounds", rounds.size()},
      {"rounds_run", point.rounds.size()},
      {"void", why_void(point, rounds)},
      {"step_ms", value(step_ms)}};
  if (!point.at_twice.empty()) {
    row["step_ms_at_twice"] = median_json(over(point.at_twice, rounds, step_ms));
  }
  row["compute_ms"] = 1e3 * point.compute_seconds;
  if (point.predicted_seconds) {
    row["predicted_step_ms"] = 1e3 * *point.predicted_seconds;
    row["predicted_step_ms_low"] = 1e3 * point.predicted_interval.low;
    row["predicted_step_ms_high"] = 1e3 * point.predicted_interval.high;
  }
  row["slept_share"] = value([](const EmulatedRun& run) { return run.slept_share; });
  row["cpu_share"] = value([](const EmulatedRun& run) { return run.cpu_share; });
  row["core_wait_share"] = value([](const EmulatedRun& run) { return run.core_wait_share; });
  row["start_seconds"] = value([](const EmulatedRun& run) { return run.start_seconds; });
  row["resident_mib"] =
      value([](const EmulatedRun& run) { return run.resident_bytes / (1 << 20); });
  return row;
}

void print_emulation_table(const nlohmann::ordered_json& table) {
  fmt::print(
      "\nEMULATED: real ranks and real messages; computation is slept through, at times that were "
      "{}.\nNo figure is a rate of this machine.\n\n{:<16}{:>6}{:>9}{:>27}{:>10}{:>9}{:>7}{:>6}"
      "{:>7}{:>9}{:>9}\n",
      table["times"].get<std::string>(), "class", "ranks", "per host", "step ms", "predicted",
      "error", "slept", "CPU", "queue", "start s", "MiB each");
  for (const auto& row : table["rows"]) {
    const auto middle = [&](const char* key) { return row[key]["median"].get<double>(); };
    const bool valid = row["void"].get<std::string>().empty();
    const std::string step = valid ? fmt::format("{:.2f} [{:.2f}, {:.2f}]", middle("step_ms"),
                                                 row["step_ms"]["low"].get<double>(),
                                                 row["step_ms"]["high"].get<double>())
                                   : "void";
    std::string predicted, error;
    if (row.contains("predicted_step_ms") && valid) {
      const auto found = row["predicted_step_ms"].get<double>();
      predicted = fmt::format("{:.2f}", found);
      error = fmt::format("{:+.1f}%", 100 * (found / middle("step_ms") - 1));
    }
    fmt::print("{:<16}{:>6}{:>9}{:>27}{:>10}{:>9}{:>6.0f}%{:>5.0f}%{:>6.1f}%{:>9.2f}{:>9.0f}\n",
               row["class"].get<std::string>(), row["ranks"].get<int>(),
               row["ranks_per_host"].get<int>(), step, predicted, error,
               100 * middle("slept_share"), 100 * middle("cpu_share"),
               100 * middle("core_wait_share"), middle("start_seconds"), middle("resident_mib"));
    if (!valid) fmt::print("    void: {}\n", row["void"].get<std::string>());
  }
  std::fflush(stdout);
}

}  // namespace ringtrain::benchmarks
