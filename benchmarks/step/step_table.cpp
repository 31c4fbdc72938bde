// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step_table.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <numeric>

#include "base/statistics.hpp"
#include "benchmarks/commands/paired_ratio.hpp"

namespace ringtrain::benchmarks {
namespace {

// CPU milliseconds of a step, of all ranks and their threads; by round. Empty where unknown.
std::vector<double> cpu_of_step(const SampledRounds& all, size_t contestant,
                                const std::vector<size_t>& rounds) {
  std::vector<double> milliseconds;
  for (const size_t round : rounds) {
    const StepSample& sample = all.samples[round][contestant];
    if (sample.usage.empty() || sample.steps.empty() || sample.steps.front().empty()) return {};
    const double seconds =
        std::accumulate(sample.usage.begin(), sample.usage.end(), 0.0,
                        [](double sum, const RankUsage& usage) { return sum + usage.cpu_seconds; });
    milliseconds.push_back(seconds * 1e3 / static_cast<double>(sample.steps.front().size()));
  }
  return milliseconds;
}

struct Placements {
  std::vector<size_t> near, far;  // rounds
};

Placements by_placement(const SampledRounds& all, const std::vector<size_t>& rounds) {
  Placements found;
  for (const size_t round : rounds) {
    (all.rounds[round].noise.cores_are_far() ? found.far : found.near).push_back(round);
  }
  return found;
}

nlohmann::ordered_json row_of(const SampledRounds& all, const std::vector<Contestant>& contestants,
                              size_t i, const std::vector<size_t>& rounds) {
  const auto over = [&](const std::vector<size_t>& some) {
    return to_json(paired_ratio(rates_of(all, 0, some), rates_of(all, i, some)));
  };
  const auto rate = median_json(rates_of(all, i, rounds));
  nlohmann::ordered_json row = {{"name", contestants[i].name},
                                {"samples_per_second", rate["median"]},
                                {"low", rate["low"]},
                                {"high", rate["high"]},
                                {"ringtrain_over_it", over(rounds)}};
  if (const Placements placed = by_placement(all, rounds);
      !placed.near.empty() && !placed.far.empty()) {
    row["near"] = over(placed.near);
    row["far"] = over(placed.far);
  }
  if (const StepSeconds steps = steps_of(all, i, rounds); !steps.empty()) {
    row["step"] = summary(steps);
  }
  if (const auto cpu = cpu_of_step(all, i, rounds); !cpu.empty()) {
    row["cpu_ms_of_step"] = median_json(cpu);
  }
  return row;
}

std::string over_it(const nlohmann::ordered_json& ratio) {
  return print(PairedRatio{
      ratio["median"].get<double>(),
      {ratio["low"].get<double>(), ratio["high"].get<double>(), ratio["coverage"].get<double>()},
      ratio["p"].get<double>()});
}

}  // namespace

nlohmann::ordered_json step_table(const SampledRounds& all,
                                  const std::vector<Contestant>& contestants,
                                  const StepOptions& options, const std::string& model) {
  const std::vector<size_t> rounds = counted_rounds(all.rounds, options.rounds);
  std::vector<double> exposed;
  for (const size_t round : rounds) exposed.push_back(all.samples[round].front().exposed_share);
  nlohmann::ordered_json table = {{"kind", "table"},
                                  {"model", model},
                                  {"ranks", options.ranks},
                                  {"global_batch", kGlobalBatch},
                                  {"class", "measured"},
                                  {"rounds", rounds.size()},
                                  {"rounds_run", all.rounds.size()},
                                  {"exposed_communication_share", median(exposed)},
                                  {"far_rounds", by_placement(all, rounds).far.size()}};
  for (size_t i = 0; i < contestants.size(); ++i) {
    table["rows"].push_back(row_of(all, contestants, i, rounds));
  }
  return table;
}

void print_step_table(const nlohmann::ordered_json& table) {
  const auto coverage =
      table["rows"].front()["ringtrain_over_it"]["coverage"].get<double>();  // of as many rounds
  fmt::print("\n{}: {} of {} rounds, exposed {:.1f}%, {} with far cores\n",
             table["model"].get<std::string>(), table["rounds"].get<int64_t>(),
             table["rounds_run"].get<int64_t>(),
             100 * table["exposed_communication_share"].get<double>(),
             table["far_rounds"].get<int64_t>());
  fmt::print("  {:<18}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}  ringtrain over it [{:.1f}%]\n", "",
             "samples/s", "p50 ms", "p95 ms", "p99 ms", "jitter", "CPU ms", 100 * coverage);
  for (const auto& row : table["rows"]) {
    const auto name = row["name"].get<std::string>();
    fmt::print("  {:<18}{:>12.0f}", name, row["samples_per_second"].get<double>());
    for (const char* key : {"p50_ms", "p95_ms", "p99_ms", "jitter_ms"}) {
      fmt::print("{:>10}", row.contains("step")
                               ? fmt::format("{:.2f}", row["step"][key].get<double>())
                               : std::string("-"));
    }
    fmt::print("{:>10}", row.contains("cpu_ms_of_step")
                             ? fmt::format("{:.2f}", row["cpu_ms_of_step"]["median"].get<double>())
                             : std::string("-"));
    fmt::print("  {}\n", name == kOurs ? "" : over_it(row["ringtrain_over_it"]));
    for (const char* placed : {"near", "far"}) {
      if (name == kOurs || !row.contains(placed)) continue;
      fmt::print("  {:>80}  {}\n", fmt::format("cores {}", placed), over_it(row[placed]));
    }
  }
  std::fflush(stdout);
}

}  // namespace ringtrain::benchmarks
