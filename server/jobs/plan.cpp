// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ringtrain::server {

Plan plan_of(const JobSpec& job, int ranks, const std::vector<EarlierJob>& earlier,
             const std::vector<RatePoint>& rates) {
  Plan plan;
  std::optional<int64_t> rows = job.samples;
  for (const EarlierJob& one : earlier) {
    if (job.samples) break;
    if (one.steps <= 0 || one.epochs <= 0 || one.batch_size <= 0) continue;
    // The dataset's rows are known to one batch, so an equal batch gives the exact steps.
    const bool is_exact = one.batch_size == job.batch_size;
    if (rows && !is_exact) continue;
    plan.like = one.name;
    rows = one.steps / one.epochs * one.batch_size;
    if (is_exact) break;
  }
  if (!rows) return plan;
  const int64_t steps = (*rows + job.batch_size - 1) / job.batch_size * job.epochs;
  plan.steps = std::min(steps, job.max_steps.value_or(steps));
  const double rate = RateCurve({}, rates).at(ranks);
  if (rate > 0) plan.seconds = static_cast<double>(*plan.steps * job.batch_size) / rate;
  return plan;
}

nlohmann::ordered_json plan_to_json(const Plan& plan, int ranks, int free_cores) {
  nlohmann::ordered_json json = {{"steps", nullptr}, {"seconds", nullptr}, {"like", nullptr}};
  if (plan.steps) json["steps"] = *plan.steps;
  if (plan.seconds) json["seconds"] = *plan.seconds;
  if (!plan.like.empty()) json["like"] = plan.like;
  json["starts"] = ranks <= free_cores ? "now" : "later";
  return json;
}

}  // namespace ringtrain::server
