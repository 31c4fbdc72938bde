// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/events.hpp"

namespace ringtrain::launcher {

// What interruptions have cost a training run, by what its ranks tell.
class Recovery {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Recovery(int64_t batch_size) : batch_size_(batch_size) {}

  // A line to show when an event makes good what was lost: "back at step 340: 4.1 s lost ...".
  std::optional<std::string> on_event(const Event& event, Clock::time_point now);

  // The ranks were lost. True where there is a newer checkpoint than at the last loss.
  bool lost(const std::string& cause, Clock::time_point now);

  // Of the newest checkpoint that was told of; 0: none.
  int64_t saved_step() const { return saved_step_; }

  // A checkpoint of this run is on the disk.
  bool has_saved() const { return has_saved_; }

  // {"restarts": 1, "seconds_lost": 4.1, "steps_replayed": 10, "samples_replayed": 1280,
  //  "causes": ["rank 1 ..."]}; nothing where all went well.
  std::optional<nlohmann::ordered_json> summary() const;

 private:
  std::optional<std::string> reached(int64_t step, Clock::time_point now);

  int64_t batch_size_;
  int64_t step_ = 0;  // the furthest so far
  std::optional<Clock::time_point> step_at_;
  bool has_saved_ = false;
  int64_t saved_step_ = 0;
  int64_t saved_at_last_loss_ = 0;
  // Of a loss that is not made good yet: since when, and from which step on it is done again.
  std::optional<Clock::time_point> lost_since_;
  int64_t replay_from_ = 0;

  std::vector<std::string> causes_;
  double seconds_lost_ = 0;
  int64_t steps_replayed_ = 0;
};

// Adds the summary to result.json where that lies within reach and holds just `result`, and to
// `result` itself. Never half.
void add_to_result(const nlohmann::ordered_json& summary, nlohmann::ordered_json& result);

}  // namespace ringtrain::launcher
