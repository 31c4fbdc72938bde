// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/warm_rate.hpp"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "base/statistics.hpp"
#include "base/time.hpp"
#include "job/events.hpp"

namespace ringtrain::benchmarks {

std::optional<double> rate_once_warm(std::string_view events) {
  std::optional<Time> first;
  std::vector<double> rates;
  Lines lines;
  const auto take = [&](const std::string& line) {
    const auto record = parse_event(line);
    const auto* step = record ? std::get_if<StepEvent>(&record->event) : nullptr;
    if (step == nullptr || !record->time) return;
    if (!first) first = record->time;
    if (*record->time - *first >= std::chrono::seconds(1)) {
      rates.push_back(step->samples_per_second);
    }
  };
  lines.feed(events, take);
  lines.finish(take);
  if (rates.empty()) return std::nullopt;
  return median(rates);
}

}  // namespace ringtrain::benchmarks
