// SPDX-License-Identifier: Apache-2.0
// One job as the server sees it: its folder, what was asked of it, how far its events are read.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "server/jobs/job_folder.hpp"
#include "server/jobs/progress.hpp"
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

  const JobFolder& folder() const { return folder_; }
  const JobRecord& record() const { return record_; }
  const Progress& progress() const { return progress_; }
  const SeriesByName& series() const { return series_; }
  const StateView& state() const { return view_; }
  const Intent& intent() const { return intent_; }
  bool lives() const { return lives_; }
  int attempts() const { return last_attempt_; }
  // Sends SIGTERM to a run that shall end: once, since a second one ends it without a checkpoint.
  void pass_on_stop();
  // Called when it starts. Returns the seconds for which it was queued.
  double end_queue();
  // Says why a job waits, and at which place of the queue. Returns whether that is news.
  bool set_waiting(const std::string& why, int position);

  // The job as a list shows it.
  nlohmann::ordered_json to_json() const;
  IndexRow to_row() const;

 private:
  void read_new_events(const OnEvent& on_event);
  StateView derived() const;

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
  int stopped_attempt_ = 0;         // has been sent SIGTERM
  std::optional<Outcome> outcome_;  // of the newest attempt, once it does not live
  std::string waiting_;
  int position_ = 0;
};

}  // namespace ringtrain::server
