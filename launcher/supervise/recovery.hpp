// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/events.hpp"
#include "job/result_file.hpp"

namespace ringtrain::launcher {

// Costs of interruptions of a training run, from the events of its ranks.
class Recovery {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Recovery(int64_t batch_size) : batch_size_(batch_size) {}

  // Returns a line to show when an event regains what was lost: "recovered: back at step 340 ...".
  std::optional<std::string> on_event(const Event& event, Clock::time_point now);

  // Notes a loss of the ranks. Returns whether there is a newer checkpoint than at the last loss.
  bool lost(const std::string& cause, Clock::time_point now);

  // Step of the newest checkpoint reported; 0: none.
  int64_t saved_step() const { return saved_step_; }

  // Whether a checkpoint of this run is on the disk.
  bool has_saved() const { return has_saved_; }

  // Returns nothing without a loss.
  std::optional<RecoverySummary> summary() const;

 private:
  std::optional<std::string> reached(int64_t step, Clock::time_point now);

  int64_t batch_size_;
  int64_t step_ = 0;  // the furthest so far
  std::optional<Clock::time_point> step_at_;
  bool has_saved_ = false;
  int64_t saved_step_ = 0;
  int64_t saved_at_last_loss_ = 0;
  // Set while lost steps are being redone: since when, and from which step on.
  std::optional<Clock::time_point> lost_since_;
  int64_t replay_from_ = 0;

  std::vector<std::string> causes_;
  double seconds_lost_ = 0;
  int64_t steps_replayed_ = 0;
};

// Adds the summary to `result`, and to result.json if that is on this machine and holds just
// `result`; never half.
void add_to_result(const RecoverySummary& summary, Result& result);

}  // namespace ringtrain::launcher
