// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step_rounds.hpp"

#include <algorithm>
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

SampledRounds run_step_rounds(const std::vector<Contestant>& contestants, int wanted,
                              const std::string& model,
                              const std::function<void(const nlohmann::ordered_json&)>& done) {
  std::vector<std::string> names;
  for (const Contestant& contestant : contestants) names.push_back(contestant.name);
  SampledRounds all;
  const auto run = [&] {
    std::vector<StepSample> samples(contestants.size());
    for (const size_t i : order_of_round(contestants.size(), all.samples.size())) {
      samples[i] = contestants[i].run();
    }
    all.samples.push_back(std::move(samples));
    return why_not_steady(all.samples.back(), names);
  };
  all.rounds = run_gated_rounds(wanted, true, run, [&](const GatedRound& round) {
    done(to_json(round, all.samples.back(), contestants, model));
  });
  return all;
}

nlohmann::ordered_json to_json(const GatedRound& round, const std::vector<StepSample>& samples,
                               const std::vector<Contestant>& contestants,
                               const std::string& model) {
  nlohmann::ordered_json json = {{"kind", "round"},
                                 {"model", model},
                                 {"noise", to_json(round.noise)},
                                 {"disturbed", round.disturbed}};
  for (size_t i = 0; i < contestants.size(); ++i) {
    const StepSample& sample = samples[i];
    nlohmann::ordered_json run = {{"name", contestants[i].name},
                                  {"samples_per_second", sample.rate},
                                  {"exposed_communication_share", sample.exposed_share}};
    add_ranks(run, sample);
    json["runs"].push_back(std::move(run));
  }
  return json;
}

}  // namespace ringtrain::benchmarks
