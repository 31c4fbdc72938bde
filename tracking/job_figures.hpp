// SPDX-License-Identifier: Apache-2.0
// The figures of a job out of its events, taken one by one: position, losses, rates, where its time
// went, and what was restarted. The server and the launcher show them by job_metrics.hpp. They can
// be stored and continued.
//
// Counters never fall: a step that is made again after a loss counts again, and its time counts as
// lost.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/events.hpp"

namespace ringtrain::tracking {

struct JobFigures {
  // Position; it falls when ranks restart from a checkpoint.
  int64_t step = 0, steps = 0, epoch = 0, epochs = 0, ranks = 0;

  // The latest values.
  std::optional<double> loss, samples_per_second, seconds_left;  // of a step event
  std::optional<double> train_loss, test_loss, test_accuracy, epoch_seconds;
  std::optional<double> best_accuracy;
  std::string communication, order_hash;
  std::vector<RankPlacement> placement;
  std::vector<double> step_seconds;  // own seconds a step of each rank
  std::optional<RankSpeed> slowest;

  // Counters.
  int64_t steps_made = 0;
  uint64_t samples = 0;
  int64_t skipped_steps = 0;
  int64_t checkpoints = 0;
  std::optional<double> last_checkpoint;  // Unix seconds
  int64_t starts = 0;                     // of ranks
  // Starts after the first, by cause: "failure" (a rank reported an error), "host_lost", "killed"
  // (ranks ended without a word), "stopped" (they were asked to).
  std::map<std::string, int64_t> restarts;
  double queue_seconds = 0;  // added by whoever keeps a queue

  // State between events.
  bool is_open = false;  // ranks were started, and have neither stopped nor finished
  bool is_finished = false;
  std::string cause;  // of the next restart, where ranks reported one
  double event_at = 0;
  double samples_per_step = 0;
  int64_t lost_step = 0;  // the step at which ranks were lost
  std::optional<double> lost_since;
  double started_at = 0;
  double replayed_seconds = 0;  // of this start, to be taken off its next report
  double lost_seconds = 0;
  Seconds before = {};   // of earlier starts
  Seconds current = {};  // of this start, as reported
  Seconds replay = {};   // the part of it that is lost

  void take(const EventRecord& record);

  // Seconds by phase: queue, startup, compute, communication, data, evaluate, checkpoint, lost.
  std::vector<std::pair<const char*, double>> seconds_by_phase() const;

  bool operator==(const JobFigures&) const = default;
};

void to_json(nlohmann::ordered_json& json, const JobFigures& figures);
// Throws nlohmann::json::exception for a value of the wrong type.
void from_json(const nlohmann::ordered_json& json, JobFigures& figures);

}  // namespace ringtrain::tracking
