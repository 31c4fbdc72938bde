// SPDX-License-Identifier: Apache-2.0
// `elastic: throughput` for the jobs that run here.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/jobs/jobs.hpp"

namespace ringtrain::server {
namespace {

constexpr std::chrono::seconds kBetweenLooks(5);

std::vector<RatePoint> points_of(const Progress& progress) {
  std::vector<RatePoint> points;
  for (const RankRate& one : progress.rates) {
    if (one.reports < kReportsOfARate) continue;
    points.push_back({static_cast<int>(one.ranks), one.samples_per_second});
  }
  return points;
}

}  // namespace

// Those that train, and were measured on the ranks that they have.
std::vector<ElasticJob> Jobs::elastic_jobs() {
  std::vector<ElasticJob> found;
  for (const auto& [name, job] : active_) {
    const JobTraits& traits = job->traits();
    if (!traits.is_elastic || job->state().state != JobState::running) continue;
    const Progress& progress = job->progress();
    const tracking::JobFigures& figures = progress.figures;
    const RateCurve curve(points_of(progress),
                          known_rates(job->record().model, job->record().dataset));
    const int ranks = job->busy_ranks();
    if (!curve.has(ranks)) continue;
    found.push_back(
        {.name = name,
         .ranks = ranks,
         .least = traits.least_ranks,
         .most = std::min({traits.most_ranks, cores(), static_cast<int>(traits.batch_size)}),
         .curve = curve,
         .samples_left = static_cast<double>((figures.steps - figures.step) * traits.batch_size),
         .seconds_since_change = job->seconds_since_scale(),
         .restart_seconds = job->restart_seconds()});
  }
  return found;
}

void Jobs::adjust_elastic() {
  const auto now = std::chrono::steady_clock::now();
  if (now - adjusted_at_ < kBetweenLooks) return;
  adjusted_at_ = now;
  const bool someone_waits = std::any_of(active_.begin(), active_.end(), [](const auto& one) {
    return one.second->state().state == JobState::queued;
  });
  if (someone_waits) return;  // free cores are theirs
  for (const RankChange& change : choose_ranks(elastic_jobs(), cores() - busy_cores())) {
    const Job& job = *active_.at(change.name);
    log_once(fmt::format("{}: {} ranks instead of {}, for throughput", change.name, change.ranks,
                         job.busy_ranks()));
    scale(change.name, change.ranks, "elastic: throughput");
  }
}

}  // namespace ringtrain::server
