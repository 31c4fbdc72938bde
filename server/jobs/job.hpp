// SPDX-License-Identifier: Apache-2.0
// One job as the server sees it: its folder, what was asked of it, how far its events are read.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "server/cluster/cluster_run.hpp"
#include "server/jobs/job_folder.hpp"
#include "server/jobs/job_traits.hpp"
#include "server/jobs/progress.hpp"
#include "server/jobs/restart_clock.hpp"
#include "server/jobs/state.hpp"
#include "server/store/index.hpp"

namespace ringtrain::server {

class Job {
 public:
  // Reads the folder, and takes up reading its events where `row` and `series` stopped; from the
  // first one without them.
  explicit Job(JobFolder folder, const std::optional<IndexRow>& row = std::nullopt,
               SeriesByName series = {});

  // Looks at the folder again: locks, outcome and new events, each of which is passed on.
  // Returns whether anything that a list shows has changed.
  bool observe(const OnEvent& on_event);

  // Records what is asked of the job. Throws an io error.
  void ask(Desired desired, const std::string& by);
  // Records the ranks to start on from now on; a run that lives ends with a checkpoint, and starts
  // again on them. Throws an io error.
  void scale(int ranks, const std::string& by);
  // Records its priority in the queue. Throws an io error.
  void set_priority(int priority, const std::string& by);

  const JobFolder& folder() const { return folder_; }
  const JobRecord& record() const { return record_; }
  const Progress& progress() const { return progress_; }
  const SeriesByName& series() const { return series_; }
  const StateView& state() const { return view_; }
  const Intent& intent() const { return intent_; }
  const JobTraits& traits() const { return traits_; }
  bool lives() const { return lives_; }
  // Whether its runs are in a cluster, and what is known there of the newest one.
  bool is_in_cluster() const { return !record_.cluster.empty(); }
  const ClusterRun& cluster_run() const { return cluster_run_; }
  // Whether a run in a cluster has lost its follower, or its MPIJob is still to be deleted.
  bool needs_follower() const;
  // Ranks that it is to start on, and those that it has now.
  int priority() const { return intent_.priority; }
  int ranks() const { return intent_.ranks > 0 ? intent_.ranks : record_.ranks; }
  int busy_ranks() const;
  void set_started(int ranks) {
    started_ranks_ = ranks;
    is_changed_ = true;
  }
  // Its place in the queue: since when it is to run, RFC 3339.
  const std::string& queued_since() const { return queued_since_; }
  // Seconds: the cost of a change of ranks, and the time since the last one was asked for.
  double restart_seconds() const { return restart_clock_.seconds(); }
  double seconds_since_scale() const;
  int attempts() const { return last_attempt_; }
  // Asks a run that shall end, with a checkpoint or with its model: once, since a second SIGTERM
  // ends it without a checkpoint.
  void pass_on_wish();
  // Returns the wish for the follower of a run in a cluster.
  ClusterWish cluster_wish() const;
  // Called when it starts. Returns the seconds for which it was queued.
  double end_queue();
  // Says why a job waits, and at which place of the queue. Returns whether that is news.
  bool set_waiting(const std::string& why, int position);

  // The job as a list shows it, and the same as a line, which is kept from look to look.
  nlohmann::ordered_json to_json() const;
  const std::string& line() {
    if (line_.empty()) line_ = text();
    return line_;
  }
  IndexRow to_row() const;
  // Remembers the row that the index has, so that the same one is not written again.
  bool is_saved(const IndexRow& row) const { return row == saved_; }
  void set_saved(IndexRow row) { saved_ = std::move(row); }

 private:
  Intent next_intent(const std::string& by) const;
  void take_intent(const Intent& next);
  // Returns whether there were any.
  bool read_new_events(const OnEvent& on_event);
  StateView derived() const;
  // The script that it runs; empty: it trains a model.
  std::string script() const;
  void read_cluster_file();
  void pass_on_cluster_wish() const;
  bool shall_start_again() const;

  JobFolder folder_;
  JobRecord record_;
  bool is_damaged_ = false;  // a server made it, but its record cannot be read
  Intent intent_;
  Progress progress_;
  SeriesByName series_;
  StateView view_;
  std::string since_;  // RFC 3339
  bool lives_ = false;
  int last_attempt_ = 0;
  int asked_attempt_ = 0;  // was asked to end
  int started_ranks_ = 0;  // of the newest attempt; 0: an earlier server started it
  JobTraits traits_;
  std::string queued_since_;
  std::string scaled_at_;  // RFC 3339; empty: never
  RestartClock restart_clock_;
  std::optional<Outcome> outcome_;  // of the newest attempt, once it does not live
  ClusterRun cluster_run_;
  std::filesystem::file_time_type cluster_file_time_{};
  bool has_follower_ = false;
  std::string text() const;
  std::string line_;         // empty: to be made again
  bool is_changed_ = false;  // by a request, since observe() made the line
  IndexRow saved_;
  std::string waiting_;
  int position_ = 0;
};

}  // namespace ringtrain::server
