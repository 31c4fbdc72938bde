// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/sampled_rounds.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace ringtrain::benchmarks {

std::string why_not_steady(const std::vector<StepSample>& samples,
                           const std::vector<std::string>& names) {
  std::string reasons;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].why_not_steady.empty()) continue;
    reasons +=
        fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", names[i], samples[i].why_not_steady);
  }
  return reasons;
}

std::vector<double> rates_of(const SampledRounds& all, size_t contestant,
                             const std::vector<size_t>& rounds) {
  std::vector<double> rates;
  for (const size_t round : rounds) rates.push_back(all.samples[round][contestant].rate);
  return rates;
}

StepSeconds steps_of(const SampledRounds& all, size_t contestant,
                     const std::vector<size_t>& rounds) {
  StepSeconds counted;
  for (const size_t round : rounds) {
    const auto& ranks = all.samples[round][contestant].steps;
    if (ranks.empty()) continue;
    const SteadySteps steady = steady_steps(ranks.front());
    counted.insert(counted.end(), steady.steps.begin(), steady.steps.end());
  }
  return counted;
}

void add_ranks(nlohmann::ordered_json& run, const StepSample& sample) {
  for (const RankUsage& usage : sample.usage) run["usage_by_rank"].push_back(to_json(usage));
  for (const StepSeconds& steps : sample.steps) {
    std::vector<int64_t> microseconds;
    for (const double step : steps) microseconds.push_back(std::llround(step * 1e6));
    run["step_microseconds_by_rank"].push_back(microseconds);
  }
}

}  // namespace ringtrain::benchmarks
