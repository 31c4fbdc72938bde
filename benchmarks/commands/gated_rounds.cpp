// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/gated_rounds.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ringtrain::benchmarks {

std::vector<GatedRound> run_gated_rounds(int wanted, bool here,
                                         const std::function<std::string()>& run,
                                         const std::function<void(const GatedRound&)>& done) {
  NoiseGate gate;
  std::vector<GatedRound> rounds;
  int undisturbed = 0;
  while (undisturbed < wanted && rounds.size() < 2 * static_cast<size_t>(wanted)) {
    gate.begin();
    const std::string own = run();
    GatedRound round{gate.end(), {}};
    if (here) round.disturbed = round.noise.why_disturbed();
    if (!own.empty()) round.disturbed += (round.disturbed.empty() ? "" : ", ") + own;
    undisturbed += round.disturbed.empty() ? 1 : 0;
    done(round);
    rounds.push_back(std::move(round));
  }
  return rounds;
}

std::vector<size_t> counted_rounds(const std::vector<GatedRound>& rounds, int wanted) {
  std::vector<size_t> all(rounds.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<size_t> counted;
  std::copy_if(all.begin(), all.end(), std::back_inserter(counted),
               [&](size_t i) { return rounds[i].disturbed.empty(); });
  return counted.size() < static_cast<size_t>(wanted) ? all : counted;
}

bool mostly_disturbed(const std::vector<GatedRound>& rounds) {
  const auto disturbed = std::count_if(rounds.begin(), rounds.end(), [](const GatedRound& round) {
    return !round.disturbed.empty();
  });
  return 2 * static_cast<size_t>(disturbed) > rounds.size();
}

std::vector<double> pick(const std::vector<double>& values, const std::vector<size_t>& rounds) {
  std::vector<double> picked;
  for (const size_t i : rounds) picked.push_back(values.at(i));
  return picked;
}

}  // namespace ringtrain::benchmarks
