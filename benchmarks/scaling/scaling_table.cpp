// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/scaling_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/statistics.hpp"
#include "benchmarks/commands/paired_ratio.hpp"
#include "benchmarks/scaling/factors.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr const char* kParts[] = {"data wait", "load",      "forward", "backward",
                                  "wait",      "optimizer", "other"};

// Processor seconds of all ranks for a million samples, by round.
std::vector<double> cpu_per_million(const SampledRounds& all, const ScalingRun& run, size_t index,
                                    const std::vector<size_t>& rounds) {
  std::vector<double> seconds;
  for (const size_t round : rounds) {
    const StepSample& sample = all.samples[round][index];
    const double used =
        std::accumulate(sample.usage.begin(), sample.usage.end(), 0.0,
                        [](double sum, const RankUsage& usage) { return sum + usage.cpu_seconds; });
    const auto samples =
        static_cast<double>(sample.steps.front().size()) * static_cast<double>(run.global_batch);
    seconds.push_back(used / samples * 1e6);
  }
  return seconds;
}

// Medians over the rounds of each part of rank 0's step, in milliseconds.
nlohmann::ordered_json split_of(const SampledRounds& all, size_t run,
                                const std::vector<size_t>& rounds) {
  nlohmann::ordered_json split;
  for (const char* part : kParts) {
    std::vector<double> milliseconds;
    for (const size_t round : rounds) {
      const StepSplit& found = all.samples[round][run].split;
      const auto at = found.find(part);
      milliseconds.push_back(at == found.end() ? 0 : at->second * 1e3);
    }
    split[part] = median(milliseconds);
  }
  return split;
}

nlohmann::ordered_json row_of(const SampledRounds& all, const ScalingPlan& plan,
                              const ScalingPoint& point, const std::vector<size_t>& rounds,
                              const ScalingTableOptions& options) {
  const auto rates = [&](size_t run) { return rates_of(all, run, rounds); };
  const std::vector<double> ours = rates(point.ours);
  const double rate = median(ours);
  const StepSeconds steps = steps_of(all, point.ours, rounds);
  const bool crowded = options.local && point.ranks > options.cores;
  nlohmann::ordered_json row = {
      {"class", crowded ? "oversubscribed" : "measured"},
      {"mode", point.mode},
      {"ranks", point.ranks},
      {"global_batch", point.global_batch},
      {"samples_per_second", median_json(ours)},
      {"step", summary(steps)},
      {"split_ms", split_of(all, point.ours, rounds)},
      {"factors", to_json(factors_of({point.ranks, rates(point.base), rates(point.alone),
                                      rates(point.none), ours}))},
      {"cpu_seconds_per_million",
       median_json(cpu_per_million(all, plan.runs[point.ours], point.ours, rounds))},
      {"rank_seconds_per_million", point.ranks / rate * 1e6}};
  if (crowded) {
    // Slices of time: as many ranks take turns on a core as the fullest core has.
    const double turns = std::ceil(static_cast<double>(point.ranks) / options.cores);
    row["bound_of_efficiency"] = 1 / turns;
  }
  if (options.price) row["price_per_million"] = *options.price * point.ranks / rate * 1e6 / 3600;
  return row;
}

std::string short_ratio(const nlohmann::ordered_json& ratio) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", ratio["median"].get<double>(),
                     ratio["low"].get<double>(), ratio["high"].get<double>());
}

}  // namespace

nlohmann::ordered_json round_record(const GatedRound& round, const std::vector<StepSample>& samples,
                                    const ScalingPlan& plan) {
  nlohmann::ordered_json record = {
      {"kind", "round"}, {"noise", to_json(round.noise)}, {"disturbed", round.disturbed}};
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const StepSample& sample = samples[i];
    nlohmann::ordered_json run = {{"ranks", plan.runs[i].ranks},
                                  {"global_batch", plan.runs[i].global_batch},
                                  {"averages", plan.runs[i].averages},
                                  {"samples_per_second", sample.rate},
                                  {"split_seconds", sample.split}};
    add_ranks(run, sample);
    record["runs"].push_back(std::move(run));
  }
  return record;
}

nlohmann::ordered_json scaling_table(const SampledRounds& all, const ScalingPlan& plan,
                                     const ScalingTableOptions& options) {
  const std::vector<size_t> rounds = counted_rounds(all.rounds, options.wanted);
  nlohmann::ordered_json table = {{"kind", "table"},
                                  {"cores", options.cores},
                                  {"rounds", rounds.size()},
                                  {"rounds_run", all.rounds.size()}};
  const size_t base = plan.points.front().base;  // of every point: both modes begin with 1 rank
  table["base"] = {{"ranks", plan.runs[base].ranks},
                   {"global_batch", plan.runs[base].global_batch},
                   {"samples_per_second", median_json(rates_of(all, base, rounds))}};
  for (const ScalingPoint& point : plan.points) {
    table["rows"].push_back(row_of(all, plan, point, rounds, options));
  }
  return table;
}

void print_scaling_table(const nlohmann::ordered_json& table) {
  const auto& rows = table["rows"];
  const auto& base = table["base"];
  fmt::print(
      "\n{} of {} rounds; {:.1f}% intervals; base of speed-ups: ringtrain, 1 rank, batch {}, "
      "{:.0f} samples/s\n\n",
      table["rounds"].get<int>(), table["rounds_run"].get<int>(),
      100 * rows[0]["samples_per_second"]["coverage"].get<double>(),
      base["global_batch"].get<int64_t>(), base["samples_per_second"]["median"].get<double>());
  fmt::print("{:<8}{:>6}{:>7}{:>11}{:>9}{:>9}{:>9}{:>22}{:>22}{:>22}{:>22}{:>9}{:>9}  {}\n", "mode",
             "ranks", "batch", "samples/s", "p50 ms", "p95 ms", "speed-up", "efficiency",
             "of batch", "of sharing", "of averaging", "CPU s/M", "rank s/M", "");
  for (const auto& row : rows) {
    const auto& factors = row["factors"];
    fmt::print(
        "{:<8}{:>6}{:>7}{:>11.0f}{:>9.2f}{:>9.2f}{:>9.2f}{:>22}{:>22}{:>22}{:>22}",
        row["mode"].get<std::string>(), row["ranks"].get<int>(), row["global_batch"].get<int64_t>(),
        row["samples_per_second"]["median"].get<double>(), row["step"]["p50_ms"].get<double>(),
        row["step"]["p95_ms"].get<double>(), factors["speedup"]["median"].get<double>(),
        short_ratio(factors["efficiency"]), short_ratio(factors["batch"]),
        short_ratio(factors["share"]), short_ratio(factors["averaging"]));
    fmt::print("{:>9.0f}{:>9.0f}  {}", row["cpu_seconds_per_million"]["median"].get<double>(),
               row["rank_seconds_per_million"].get<double>(), row["class"].get<std::string>());
    if (row.contains("bound_of_efficiency")) {
      fmt::print(", at most {:.2f}", row["bound_of_efficiency"].get<double>());
    }
    if (row.contains("price_per_million")) {
      fmt::print(", {:.4g} a million samples", row["price_per_million"].get<double>());
    }
    fmt::print("\n");
  }
  fmt::print("\nA step of rank 0, ms:\n{:<8}{:>6}", "mode", "ranks");
  for (const char* part : kParts) fmt::print("{:>11}", part);
  fmt::print("\n");
  for (const auto& row : rows) {
    fmt::print("{:<8}{:>6}", row["mode"].get<std::string>(), row["ranks"].get<int>());
    for (const char* part : kParts) fmt::print("{:>11.3f}", row["split_ms"][part].get<double>());
    fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace ringtrain::benchmarks
