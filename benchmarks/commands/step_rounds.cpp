// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step_rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace ringtrain::benchmarks {
namespace {

std::vector<size_t> order_of_round(size_t contestants, size_t round) {
  std::vector<size_t> order(contestants);
  std::iota(order.begin(), order.end(), 0);
  if (round % 2 == 1 && contestants > 1) std::swap(order[0], order[1]);
  if (contestants > 3) {
    const auto others = order.begin() + 2;
    std::rotate(others, others + static_cast<ptrdiff_t>(round / 2 % (contestants - 2)),
                order.end());
  }
  return order;
}

}  // namespace

std::string StepRound::why_disturbed(const std::vector<Contestant>& contestants) const {
  std::string reasons = noise.why_disturbed();
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].why_not_steady.empty()) continue;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", contestants[i].name,
                           samples[i].why_not_steady);
  }
  return reasons;
}

std::vector<StepRound> run_rounds(const std::vector<Contestant>& contestants, int wanted,
                                  const std::function<void(const StepRound&)>& done) {
  NoiseGate gate;
  std::vector<StepRound> rounds;
  int undisturbed = 0;
  while (undisturbed < wanted && rounds.size() < 2 * static_cast<size_t>(wanted)) {
    StepRound round;
    round.samples.resize(contestants.size());
    gate.begin();
    for (const size_t i : order_of_round(contestants.size(), rounds.size())) {
      round.samples[i] = contestants[i].run();
    }
    round.noise = gate.end();
    undisturbed += round.why_disturbed(contestants).empty() ? 1 : 0;
    done(round);
    rounds.push_back(std::move(round));
  }
  return rounds;
}

std::vector<StepRound> counted_rounds(const std::vector<StepRound>& rounds,
                                      const std::vector<Contestant>& contestants, int wanted) {
  std::vector<StepRound> counted;
  std::copy_if(rounds.begin(), rounds.end(), std::back_inserter(counted),
               [&](const StepRound& round) { return round.why_disturbed(contestants).empty(); });
  return counted.size() < static_cast<size_t>(wanted) ? rounds : counted;
}

PairedRatio paired_ratio(const std::vector<double>& numerators,
                         const std::vector<double>& denominators) {
  std::vector<double> ratios;
  std::vector<double> logarithms;
  for (size_t i = 0; i < std::min(numerators.size(), denominators.size()); ++i) {
    ratios.push_back(numerators[i] / denominators[i]);
    logarithms.push_back(std::log(ratios.back()));
  }
  return {median(ratios), median_interval(ratios), sign_flip_p(logarithms)};
}

std::string print(const PairedRatio& ratio) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]{}", ratio.median, ratio.interval.low,
                     ratio.interval.high, ratio.p < 0.05 ? "" : " ~");
}

nlohmann::ordered_json to_json(const PairedRatio& ratio) {
  return {{"median", ratio.median},
          {"low", ratio.interval.low},
          {"high", ratio.interval.high},
          {"coverage", ratio.interval.coverage},
          {"p", ratio.p}};
}

nlohmann::ordered_json to_json(const StepRound& round, const std::vector<Contestant>& contestants,
                               const std::string& model) {
  nlohmann::ordered_json json = {
      {"kind", "round"}, {"model", model}, {"noise", to_json(round.noise)}};
  json["disturbed"] = round.why_disturbed(contestants);
  for (size_t i = 0; i < contestants.size(); ++i) {
    const StepSample& sample = round.samples[i];
    nlohmann::ordered_json run = {{"name", contestants[i].name},
                                  {"samples_per_second", sample.rate},
                                  {"exposed_communication_share", sample.exposed_share}};
    for (const StepSeconds& steps : sample.steps) {
      std::vector<int64_t> microseconds;
      for (const double step : steps) microseconds.push_back(std::llround(step * 1e6));
      run["step_microseconds_by_rank"].push_back(microseconds);
    }
    json["runs"].push_back(std::move(run));
  }
  return json;
}

}  // namespace ringtrain::benchmarks
