// SPDX-License-Identifier: Apache-2.0
// A run in a cluster, as the folder of its attempt has it, beside what every attempt has:
//
//   cluster.json   the MPIJob, its state and its pods; written by the run's follower (follower.hpp)
//   wish.json      what is asked of it; written by the server
//   removed        the MPIJob is gone from the cluster, as was asked
//
// The server and the follower share nothing else, so each may be killed and started again alone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/jobs/state.hpp"

namespace ringtrain::server {

struct ClusterPod {
  std::string name = {};
  std::string role = {};   // "launcher", "worker"
  std::string node = {};   // empty: not scheduled
  std::string state = {};  // as mpijob::PodStatus has it
  int64_t restarts = 0;
  std::string why = {};  // one line where it does not run; empty: no problem
  bool operator==(const ClusterPod&) const = default;
};

struct ClusterRun {
  std::string name_space = {};
  std::string uid = {};               // of the MPIJob; empty: there is none yet
  std::string started = {};           // when it was made or taken up, RFC 3339
  std::string state = {};             // as mpijob::JobStatus has it; empty: not known yet
  std::string reason = {};            // one word
  std::string why = {};               // one line
  std::vector<ClusterPod> pods = {};  // the newest launcher first
  std::vector<std::string> earlier_pods =
      {};  // launchers of earlier attempts, whose logs those have
  bool operator==(const ClusterRun&) const = default;
};

struct ClusterWish {
  bool suspend = false;  // end with a checkpoint; the MPIJob stays, without pods
  bool remove = false;   // delete the MPIJob
  int workers = 0;       // 0: as the job file says
  bool operator==(const ClusterWish&) const = default;
};

// `folder`: of an attempt. Readers return nothing where the file is missing or broken. Writers
// throw an io error.
std::optional<ClusterRun> read_cluster_run(const std::filesystem::path& folder);
void write_cluster_run(const std::filesystem::path& folder, const ClusterRun& run);
std::optional<ClusterWish> read_cluster_wish(const std::filesystem::path& folder);
void write_cluster_wish(const std::filesystem::path& folder, const ClusterWish& wish);

bool is_removed_from_cluster(const std::filesystem::path& folder);
void set_removed_from_cluster(const std::filesystem::path& folder);

// Returns the state of a job that lives, with what the cluster says of it: pods that are missing
// come before what the events said last.
StateView view_in_cluster(StateView view, const ClusterRun& run);

}  // namespace ringtrain::server
