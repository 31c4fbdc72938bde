// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/statistics.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr size_t kAlwaysDropped = 3;
constexpr size_t kBatch = 5;

double mean(const std::vector<double>& values, size_t begin) {
  return std::accumulate(values.begin() + static_cast<ptrdiff_t>(begin), values.end(), 0.0) /
         static_cast<double>(values.size() - begin);
}

std::vector<double> batch_means(const StepSeconds& steps) {
  std::vector<double> means;
  for (size_t begin = 0; begin + kBatch <= steps.size(); begin += kBatch) {
    const auto first = steps.begin() + static_cast<ptrdiff_t>(begin);
    means.push_back(std::accumulate(first, first + kBatch, 0.0) / kBatch);
  }
  return means;
}

// Returns the number of leading batches to drop.
size_t mser(const std::vector<double>& means) {
  size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  // The statistic of a few last batches is small by chance.
  for (size_t dropped = 0; dropped + 2 <= means.size(); ++dropped) {
    const auto left = static_cast<double>(means.size() - dropped);
    if (dropped > 0 && left < 5) break;
    const double center = mean(means, dropped);
    double squares = 0;
    for (size_t i = dropped; i < means.size(); ++i) {
      squares += (means[i] - center) * (means[i] - center);
    }
    const double statistic = squares / (left * left);
    if (statistic < least) {
      least = statistic;
      best = dropped;
    }
  }
  return best;
}

// Mann-Kendall's statistic in standard deviations, without a correction for ties.
double trend(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 8) return 0;
  double concordant = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t k = i + 1; k < values.size(); ++k) {
      concordant += values[k] > values[i] ? 1 : values[k] < values[i] ? -1 : 0;
    }
  }
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  return std::max(0.0, std::abs(concordant) - 1) / deviation;
}

}  // namespace

double SteadySteps::steps_per_second() const {
  const double seconds = std::accumulate(steps.begin(), steps.end(), 0.0);
  return seconds > 0 ? static_cast<double>(steps.size()) / seconds : 0;
}

SteadySteps steady_steps(const StepSeconds& all) {
  SteadySteps steady;
  steady.dropped = std::min(kAlwaysDropped, all.size());
  const auto kept = [&] {
    return StepSeconds(all.begin() + static_cast<ptrdiff_t>(steady.dropped), all.end());
  };
  const std::vector<double> means = batch_means(kept());
  const size_t dropped = mser(means);
  if (2 * dropped > means.size()) {
    steady.why_not_steady = fmt::format("it became steady only after {} of {} steps",
                                        steady.dropped + dropped * kBatch, all.size());
  } else {
    steady.dropped += dropped * kBatch;
    constexpr double kOnePercent = 2.576;  // both sides of a standard normal distribution
    if (trend({means.begin() + static_cast<ptrdiff_t>(dropped), means.end()}) > kOnePercent) {
      steady.why_not_steady = "its steps became slower or faster until its end";
    }
  }
  steady.steps = kept();
  return steady;
}

nlohmann::ordered_json summary(const StepSeconds& steps) {
  const double middle = median(steps);
  std::vector<double> deviations;
  for (const double step : steps) deviations.push_back(std::abs(step - middle));
  return {{"p50_ms", middle * 1e3},
          {"p95_ms", quantile(steps, 0.95) * 1e3},
          {"p99_ms", quantile(steps, 0.99) * 1e3},
          {"jitter_ms", 1.4826 * median(deviations) * 1e3}};
}

}  // namespace ringtrain::benchmarks
