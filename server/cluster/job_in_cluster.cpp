// SPDX-License-Identifier: Apache-2.0
// A job whose runs are in a cluster: what differs from one on this machine.
#include <algorithm>
#include <system_error>

#include "server/cluster/cluster_run.hpp"
#include "server/jobs/job.hpp"

namespace ringtrain::server {

bool Job::needs_follower() const {
  if (!is_in_cluster() || last_attempt_ == 0 || has_follower_) return false;
  return !outcome_ || (intent_.desired == Desired::remove &&
                       !is_removed_from_cluster(folder_.attempt(last_attempt_)));
}

void Job::read_cluster_file() {
  const auto folder = folder_.attempt(last_attempt_);
  std::error_code error;
  const auto written = std::filesystem::last_write_time(folder / "cluster.json", error);
  if (error) cluster_run_ = {};  // of an attempt that has just begun
  if (error || written == cluster_file_time_) return;
  cluster_file_time_ = written;
  cluster_run_ = read_cluster_run(folder).value_or(ClusterRun{});
}

ClusterWish Job::cluster_wish() const {
  return {.suspend = intent_.desired == Desired::stop,
          .remove = intent_.desired == Desired::remove,
          .workers = intent_.ranks / std::max(1, record_.slots)};
}

// A first attempt is as its job file says, without a wish.
void Job::pass_on_cluster_wish() const {
  const auto attempt = folder_.attempt(last_attempt_);
  const ClusterWish wish = cluster_wish();
  const auto before = read_cluster_wish(attempt);
  if (before ? *before != wish : wish != ClusterWish{}) write_cluster_wish(attempt, wish);
}

}  // namespace ringtrain::server
