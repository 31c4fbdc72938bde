// SPDX-License-Identifier: Apache-2.0
// Facts from earlier jobs for one that is to run: how many samples there are, how fast they go.
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>

#include "base/whole_number.hpp"
#include "job/json.hpp"
#include "server/jobs/backfill.hpp"
#include "server/jobs/jobs.hpp"
#include "server/jobs/plan.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostSimilar = 200;
constexpr std::chrono::seconds kExpectationHolds(30);

}  // namespace

// Returns jobs as a list shows them, the newest first.
std::vector<ordered_json> Jobs::similar(const std::string& model, const std::string& dataset) {
  std::vector<ordered_json> found;
  for (const ListedJob& row :
       index_->list({.words = model + " " + dataset, .limit = kMostSimilar}).rows) {
    auto job = ordered_json::parse(row.text, nullptr, false);
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

double Jobs::expected_seconds(const Job& job, int& looks) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(expected_, [&](const auto& one) { return one.second.until < now; });
  const std::string& name = job.record().name;
  if (const auto known = expected_.find(name); known != expected_.end()) {
    return known->second.seconds;
  }
  if (looks-- <= 0) return kUnknownSeconds;
  double seconds = kUnknownSeconds;
  const JobRecord& record = job.record();
  if (record.script.empty()) {
    try {
      CheckedJob checked{.job = job_from_json(record.understood), .record = record};
      checked.record.ranks = job.ranks();
      const auto expected = plan(checked).at("seconds");
      if (expected.is_number()) seconds = expected.get<double>();
    } catch (const std::exception&) {  // of another version
    }
  }
  expected_[name] = {seconds, now + kExpectationHolds};
  return seconds;
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
