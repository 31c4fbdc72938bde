// SPDX-License-Identifier: Apache-2.0
// Facts from earlier jobs for one that is to run: how many samples there are, how fast they go.
#include <nlohmann/json.hpp>

#include "base/whole_number.hpp"
#include "server/jobs/jobs.hpp"
#include "server/jobs/plan.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostSimilar = 200;

}  // namespace

// Returns jobs as a list shows them, the newest first.
std::vector<ordered_json> Jobs::similar(const std::string& model, const std::string& dataset) {
  std::vector<ordered_json> found;
  for (const std::string& row :
       index_->list({.words = model + " " + dataset, .limit = kMostSimilar}).rows) {
    auto job = ordered_json::parse(row, nullptr, false);
    if (!job.is_object() || job.value("model", "") != model) continue;
    if (job.value("dataset", "") == dataset) found.push_back(std::move(job));
  }
  return found;
}

std::vector<RatePoint> Jobs::known_rates(const std::string& model, const std::string& dataset) {
  std::vector<RatePoint> points;
  for (const ordered_json& job : similar(model, dataset)) {
    const auto rates = job.find("rates");
    if (rates == job.end() || !rates->is_object()) continue;
    for (const auto& [ranks, rate] : rates->items()) {
      const auto number = whole_number(ranks);
      if (number && rate.is_number()) points.push_back({*number, rate.get<double>()});
    }
  }
  return points;
}

ordered_json Jobs::plan(const CheckedJob& checked) {
  const JobRecord& record = checked.record;
  std::vector<EarlierJob> earlier;
  for (const ordered_json& job : similar(record.model, record.dataset)) {
    if (job.value("partial", false)) continue;  // its steps do not give the number of samples
    earlier.push_back({.name = job.value("name", ""),
                       .batch_size = job.value("batch_size", int64_t{0}),
                       .steps = job.value("steps", int64_t{0}),
                       .epochs = job.value("epochs", int64_t{0})});
  }
  const Plan plan =
      plan_of(checked.job, record.ranks, earlier, known_rates(record.model, record.dataset));
  const int free = options_.cluster ? record.ranks : cores() - busy_cores();
  return plan_to_json(plan, record.ranks, free);
}

}  // namespace ringtrain::server
