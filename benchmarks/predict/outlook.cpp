// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/outlook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/check.hpp"
#include "base/text.hpp"
#include "benchmarks/predict/straggler_model.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr double kMiB = 1024 * 1024;

void scale_compute(StepProfile& step, double factor) {
  step.forward *= factor;
  step.backward *= factor;
  step.optimizer *= factor;
  step.other *= factor;
  for (Bucket& bucket : step.buckets) bucket.ready *= factor;
}

// A scenario as it may be, the inputs being known no better than this.
template <typename Factor>
Scenario drawn(Scenario scenario, const InputErrors& errors, Factor factor) {
  Cluster& cluster = scenario.cluster;
  scale_compute(scenario.step, factor(errors.compute));
  cluster.link.bytes_per_second *= factor(errors.link);
  cluster.link.latency *= factor(errors.latency);
  const double sums = factor(errors.sums);
  for (SumTime& sum : cluster.node.sums) sum.seconds *= sums;
  cluster.node.sum_bytes_per_second /= sums;
  cluster.stragglers.random *= factor(errors.stragglers);
  cluster.node.slowdown = 1 + (cluster.node.slowdown - 1) * factor(errors.sharing);
  return scenario;
}

}  // namespace

Interval step_interval(const Scenario& scenario, const InputErrors& errors,
                       double beyond_measured) {
  constexpr int kDraws = 1000;
  std::mt19937_64 random(20261128);
  const auto uniform = [&] {
    constexpr double kSteps = 9007199254740992;  // 2^53
    return (static_cast<double>(random() >> 11) + 0.5) / kSteps;
  };
  // Not std::normal_distribution: its draws differ between libraries.
  const auto factor = [&](double error) { return std::exp(error * normal_quantile(uniform())); };
  std::vector<double> seconds;
  for (int i = 0; i < kDraws; ++i) {
    seconds.push_back(predict(drawn(scenario, errors, factor)).step_seconds * factor(kModelError));
  }
  Interval interval = {quantile(seconds, 0.025), quantile(seconds, 0.975), 0.95};
  constexpr double kFar = 8;
  if (beyond_measured > kFar) {
    const int ranks = scenario.cluster.ranks();
    Scenario heavy = scenario;
    heavy.cluster.stragglers.random *= largest_of_exponential(ranks) / largest_of(ranks);
    const double widened = predict(heavy).step_seconds * std::exp(1.96 * kModelError);
    interval.high = std::max(interval.high, widened);
  }
  return interval;
}

std::vector<Advice> advice(const Scenario& scenario) {
  const double now = predict(scenario).samples_per_second;
  std::vector<Advice> found;
  const auto consider = [&](std::string change, std::string caution, const auto& apply) {
    Scenario changed = scenario;
    apply(changed);
    const double gain = predict(changed).samples_per_second / now;
    if (gain >= 1.005) found.push_back({std::move(change), gain, std::move(caution)});
  };
  const Averaging& averaging = scenario.averaging;
  if (scenario.cluster.ranks() == 1 || averaging.method == Averaging::Method::parameter_servers) {
    return found;
  }
  if (!averaging.bf16) {
    consider("communication.wire: bf16", "gradients are rounded in transit",
             [](Scenario& s) { s.averaging.bf16 = true; });
  }
  if (averaging.sync_every == 1) {
    consider("communication.sync_every: 8", "trains another model: watch its accuracy",
             [](Scenario& s) { s.averaging.sync_every = 8; });
  }
  if (!averaging.shard_optimizer) {
    consider("communication.shard_optimizer: true", "",
             [](Scenario& s) { s.averaging.shard_optimizer = true; });
  }
  consider("twice the batch of a rank", "trains another model: scale the learning rate",
           [](Scenario& s) {
             s.step = s.step.with_batch(2 * s.step.batch);
             if (s.reference_batch > 0) s.reference_batch *= 2;
           });
  if (scenario.step.buckets.size() > 0 && averaging.sync_every == 1) {
    Advice best;
    for (const double mib : {1, 2, 4, 8, 16, 25}) {
      if (scenario.step.gradient_bytes() > kMostBuckets * mib * kMiB) continue;
      Scenario changed = scenario;
      changed.step = changed.step.with_buckets(mib * kMiB);
      const double gain = predict(changed).samples_per_second / now;
      if (gain > best.gain) best = {fmt::format("communication.bucket_mib: {:g}", mib), gain, ""};
    }
    if (best.gain >= 1.005) found.push_back(best);
  }
  std::sort(found.begin(), found.end(),
            [](const Advice& a, const Advice& b) { return a.gain > b.gain; });
  return found;
}

Scenario with_ranks(const Scenario& scenario, int ranks, int ranks_per_host, bool strong) {
  RINGTRAIN_CHECK(ranks > 0 && (ranks <= ranks_per_host || ranks % ranks_per_host == 0));
  Scenario changed = scenario;
  changed.cluster.node.ranks = std::min(ranks, ranks_per_host);
  changed.cluster.hosts = std::max(1, ranks / ranks_per_host);
  if (strong) changed.step = scenario.step.with_batch(scenario.reference_batch / ranks);
  return changed;
}

int knee(const Scenario& scenario, int most_hosts) {
  const int ranks_per_host = scenario.cluster.node.ranks;
  const bool strong = scenario.reference_batch > 0;
  const auto rate = [&](int hosts) {
    const Prediction found =
        predict(with_ranks(scenario, hosts * ranks_per_host, ranks_per_host, strong));
    return std::pair(found.samples_per_second, found.of_linear);
  };
  auto [before, share] = rate(1);
  const double alone = before / share / ranks_per_host;
  for (int hosts = 2; hosts <= most_hosts; ++hosts) {
    const double now = rate(hosts).first;
    if (now - before < alone * ranks_per_host / 2) return (hosts - 1) * ranks_per_host;
    before = now;
  }
  return 0;
}

}  // namespace ringtrain::benchmarks
