// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/elastic.hpp"

#include <algorithm>

namespace ringtrain::server {
namespace {

constexpr double kWorthACore = 0.25;  // of the mean rate of the ranks that are there
constexpr double kShorter = 0.9;      // of the rest of a job, for it to grow
constexpr double kSlower = 1.05;      // of the rest of a job, for it to give cores back
constexpr int kGrowth = 2;            // at most so many times the ranks in one change

bool is_worth_a_core(const RateCurve& curve, int ranks) {
  const double now = curve.at(ranks);
  return curve.at(ranks + 1) - now >= kWorthACore * now / ranks;
}

double rest_of(const ElasticJob& job, int ranks) {
  const double restart = ranks == job.ranks ? 0 : job.restart_seconds;
  return restart + job.samples_left / job.curve.at(ranks);
}

bool is_worth_it(const ElasticJob& job, int ranks) {
  if (ranks > job.ranks) return rest_of(job, ranks) <= kShorter * rest_of(job, job.ranks);
  // Cores that give nothing are free for others.
  return ranks < job.ranks && rest_of(job, ranks) <= kSlower * rest_of(job, job.ranks);
}

// The ranks that a job shall have, while cores are handed out.
struct Share {
  const ElasticJob* job;
  int ranks;
  int limit;
};

}  // namespace

std::vector<RankChange> choose_ranks(const std::vector<ElasticJob>& jobs, int free_cores) {
  std::vector<Share> shares;
  int cores = free_cores;
  for (const ElasticJob& job : jobs) {
    if (!job.curve.is_known()) continue;
    const int limit = std::min(job.most, kGrowth * job.ranks);
    shares.push_back({&job, std::min(job.least, limit), limit});
    cores += job.ranks - shares.back().ranks;
  }
  for (; cores > 0; --cores) {
    Share* best = nullptr;
    double most = 0;
    for (Share& share : shares) {
      const RateCurve& curve = share.job->curve;
      if (share.ranks >= share.limit || !is_worth_a_core(curve, share.ranks)) continue;
      const double growth = curve.at(share.ranks + 1) / curve.at(share.ranks);
      if (growth <= most) continue;
      most = growth;
      best = &share;
    }
    if (best == nullptr) break;
    ++best->ranks;
  }
  std::vector<RankChange> changes;
  for (const Share& share : shares) {
    const ElasticJob& job = *share.job;
    // Cores that another job gives back are free at the next call.
    const int ranks = std::min(share.ranks, job.ranks + free_cores);
    if (job.seconds_since_change < kSecondsBetweenChanges || !is_worth_it(job, ranks)) continue;
    free_cores -= std::max(0, ranks - job.ranks);
    changes.push_back({job.name, ranks});
  }
  return changes;
}

}  // namespace ringtrain::server
