// SPDX-License-Identifier: Apache-2.0
// Jobs that run in a cluster: what differs from runs on this machine.
#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "base/log.hpp"
#include "base/text.hpp"
#include "server/cluster/cluster_run.hpp"
#include "server/jobs/jobs.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

// A follower that ends at once is not started again at once.
constexpr std::chrono::seconds kBetweenFollowers(2);

}  // namespace

// The cluster's own queue decides who runs; here only the number of followers is bounded.
void Jobs::schedule_in_cluster(const std::vector<Job*>& queue) {
  int running = 0;
  for (const auto& [name, job] : active_) running += job->lives() ? 1 : 0;
  int position = 0;
  for (Job* const job : queue) {
    if (!job->is_in_cluster()) {
      wait(*job, "was made for this machine; this server runs jobs in a cluster alone", ++position);
    } else if (running < options_.cluster->most_jobs) {
      start(*job);
      ++running;
    } else {
      wait(*job,
           fmt::format("waits for one of {} of this server in the cluster to end",
                       counted(running, "job")),
           ++position);
    }
  }
}

std::vector<std::string> Jobs::follow_words(const Job& job) const {
  const ClusterPlace& place = *options_.cluster;
  const JobRecord& record = job.record();
  std::vector<std::string> words = {
      "follow",      job.folder().job_file().string(),
      "--mark",      fmt::format("{}/{}/{}", place.store, record.name, record.created),
      "--namespace", record.cluster};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  add("--kubeconfig", place.access.kubeconfig);
  add("--context", place.access.context);
  for (const std::string& one : record.overrides) add("--set", one);
  return words;
}

bool Jobs::start_in_cluster(const Job& job, const fs::path& attempt) {
  fs::create_directories(attempt);
  // An MPIJob of an earlier attempt may be suspended.
  const ClusterWish wish = job.cluster_wish();
  if (job.attempts() > 0 || wish != ClusterWish{}) write_cluster_wish(attempt, wish);
  return keep(job, attempt, follow_words(job));
}

// Starts the follower of an attempt again, whose MPIJob runs on without it.
void Jobs::keep_following(const Job& job) {
  const std::string& name = job.record().name;
  if (!options_.cluster) return log_once(name + ": runs in a cluster: start with --kubernetes");
  const auto now = std::chrono::steady_clock::now();
  const auto before = followed_at_.find(name);
  if (before != followed_at_.end() && now - before->second < kBetweenFollowers) return;
  followed_at_[name] = now;
  const fs::path attempt = job.folder().attempt(job.attempts());
  std::vector<std::string> words = follow_words(job);
  try {
    if (job.intent().desired == Desired::remove) {
      write_cluster_wish(attempt, job.cluster_wish());
      words.emplace_back("--remove");
    }
    if (keep(job, attempt, words)) log_info(fmt::format("{}: is followed again", name));
  } catch (const std::exception& error) {  // no process is left, or no space
    log_once(fmt::format("{}: cannot be followed: {}; it is tried again", name, error.what()));
  }
}

}  // namespace ringtrain::server
