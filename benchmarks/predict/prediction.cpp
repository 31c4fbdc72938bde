// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/prediction.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "benchmarks/predict/straggler_model.hpp"
#include "benchmarks/predict/timeline.hpp"

namespace ringtrain::benchmarks {
namespace {

// Seconds by which a step waits for the slowest rank. A step with several moments at which all
// wait pays the largest of every part; independent parts of a step have deviations whose squares
// add up, so it pays sqrt(parts) times as much. Without sync_every - 1 of them it pays for
// sums of sync_every steps, whose deviation is sqrt(sync_every) times one step's.
double straggler_seconds(const Scenario& scenario, double compute) {
  const int ranks = scenario.cluster.ranks();
  if (ranks == 1) return 0;
  const Stragglers& stragglers = scenario.cluster.stragglers;
  const double parts = std::sqrt(scenario.averaging.waits + 1.0);
  const double steps = std::sqrt(static_cast<double>(scenario.averaging.sync_every));
  return compute * (stragglers.persistent + stragglers.random * largest_of(ranks) * parts / steps);
}

double input_seconds(const Scenario& scenario) {
  const double host_samples = scenario.step.batch * scenario.cluster.node.ranks;
  return std::max(
      host_samples / scenario.cluster.host_samples_per_second,
      host_samples * scenario.cluster.hosts / scenario.cluster.shared_samples_per_second);
}

double rate_alone(const Scenario& scenario) {
  if (scenario.reference_batch <= 0) return scenario.step.batch / scenario.step.seconds();
  return scenario.reference_batch / scenario.step.with_batch(scenario.reference_batch).seconds();
}

}  // namespace

Prediction predict(const Scenario& scenario) {
  const Cluster& cluster = scenario.cluster;
  const StepProfile step = beside_others(scenario.step, cluster.node);
  const StepTimeline timeline = step_timeline(step, cluster, scenario.averaging);
  Prediction found;
  found.ranks = cluster.ranks();
  found.exposed_seconds = timeline.exposed;
  found.straggler_seconds = straggler_seconds(scenario, step.seconds());
  const double computed = timeline.end + found.straggler_seconds;
  found.data_seconds = std::max(0.0, input_seconds(scenario) - computed);
  found.step_seconds = computed + found.data_seconds;
  found.samples_per_second = scenario.step.batch * found.ranks / found.step_seconds;
  found.of_linear = found.samples_per_second / (found.ranks * rate_alone(scenario));
  return found;
}

std::vector<Limit> limits(const Scenario& scenario) {
  const double now = predict(scenario).of_linear;
  const double alone = rate_alone(scenario);
  const auto without = [&](const auto& change) {
    Scenario changed = scenario;
    change(changed);
    const Prediction found = predict(changed);
    return found.samples_per_second / (found.ranks * alone) - now;
  };
  std::vector<Limit> found = {
      {"sharing of the host", without([](Scenario& s) {
         s.cluster.node.slowdown = 1;
         s.cluster.node.cores = 0;
       })},
      {"small batch of a rank", scenario.reference_batch <= 0 ? 0 : without([](Scenario& s) {
         // Only what does not shrink with the batch is lost.
         const double scale = s.step.batch / s.reference_batch;
         s.step.optimizer *= scale;
         s.step.other *= scale;
       })},
      {"bandwidth of the link",
       without([](Scenario& s) { s.cluster.link.bytes_per_second = kNoLimit; })},
      {"latency of the link", without([](Scenario& s) {
         s.cluster.link.latency = 0;
         s.cluster.link.message = 0;
       })},
      {"sums inside the host", without([](Scenario& s) {
         s.cluster.node.sums.clear();
         s.cluster.node.sum_bytes_per_second = kNoLimit;
         s.cluster.node.barrier = 0;
         s.averaging.node_bytes_per_second = kNoLimit;
       })},
      {"stragglers", without([](Scenario& s) { s.cluster.stragglers = {}; })},
      {"interference", without([](Scenario& s) { s.cluster.interference = 0; })},
      {"input", without([](Scenario& s) {
         s.cluster.host_samples_per_second = kNoLimit;
         s.cluster.shared_samples_per_second = kNoLimit;
       })}};
  std::erase_if(found, [](const Limit& limit) { return limit.of_linear < 0.001; });
  std::sort(found.begin(), found.end(),
            [](const Limit& a, const Limit& b) { return a.of_linear > b.of_linear; });
  return found;
}

}  // namespace ringtrain::benchmarks
