// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/mix.hpp"
#include "base/text.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr uint64_t kSeed = 1;

size_t index_of(const ScalingRun& run, std::vector<ScalingRun>& runs) {
  const auto found = std::find(runs.begin(), runs.end(), run);
  if (found != runs.end()) return static_cast<size_t>(found - runs.begin());
  runs.push_back(run);
  return runs.size() - 1;
}

}  // namespace

std::string name_of(const ScalingRun& run) {
  return fmt::format("{}, batch {}{}", counted(run.ranks, "rank"), run.global_batch,
                     run.averages || run.ranks == 1 ? "" : ", no averaging");
}

ScalingPlan plan_scaling(const std::vector<int>& ranks, const std::vector<std::string>& modes,
                         int64_t batch) {
  ScalingPlan plan;
  for (const std::string& mode : modes) {
    for (const int count : ranks) {
      const bool weak = mode == "weak";
      const int64_t global = weak ? batch * count : batch;
      const int64_t of_one = weak ? batch : (batch + count - 1) / count;
      ScalingPoint point{.mode = mode, .ranks = count, .global_batch = global};
      point.base = index_of({1, batch, true}, plan.runs);
      point.alone = index_of({1, of_one, true}, plan.runs);
      // A single rank averages with nobody.
      point.none = index_of({count, global, count == 1}, plan.runs);
      point.ours = index_of({count, global, true}, plan.runs);
      plan.points.push_back(point);
    }
  }
  return plan;
}

std::vector<size_t> order_of_runs(size_t runs, size_t round) {
  std::vector<size_t> order(runs);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = runs; i > 1; --i) std::swap(order[i - 1], order[mix(kSeed, round, i) % i]);
  return order;
}

}  // namespace ringtrain::benchmarks
