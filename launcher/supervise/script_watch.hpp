// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "job/events.hpp"
#include "launcher/supervise/attempt_end.hpp"

namespace ringtrain::launcher {

// "rank 1 on node2: ValueError: no such class (train.py:88)"
std::string describe(const RankEndedEvent& ended);

// Judges the ranks of a script, which report neither steps nor a result, by what the processes
// around them report.
class ScriptWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // hang_timeout: from the silence of the ranks until they count as lost; 0: for ever.
  ScriptWatch(int ranks, std::chrono::seconds hang_timeout)
      : ranks_(ranks), hang_timeout_(hang_timeout) {}

  void on(const RankEndedEvent& ended);
  void on(const RankSilentEvent& silent, TimePoint now);

  // Whether a rank has ended badly: the others will not end well.
  bool has_failed() const { return cause_.has_value(); }
  // Whether the first of them is no consequence of another's end.
  bool has_first_cause() const { return cause_ && !cause_->consequence; }

  // Looks for a hang: all ranks that are left are silent, or one is and some are paused. Returns
  // it in words once. `paused`: "; rank 1 is paused (SIGSTOP)" of those that are.
  std::optional<std::string> new_hang(TimePoint now, const std::function<std::string()>& paused);
  // The hang, once it has lasted for longer than the limit.
  std::optional<std::string> overlong_hang(TimePoint now) const;

  // The end by the reports. Returns nothing where they do not explain it: `ended_well` says whether
  // mpirun reports success.
  std::optional<AttemptEnd> end(bool ended_well) const;

 private:
  struct Silent {
    RankSilentEvent event;
    TimePoint since;
  };
  std::string describe_silent() const;
  AttemptEnd end_by_cause() const;

  int ranks_;
  std::chrono::seconds hang_timeout_;
  std::optional<RankEndedEvent> cause_;  // the first that is no consequence, else the first
  std::map<int64_t, RankEndedEvent> ended_well_;
  std::map<int64_t, Silent> silent_;
  std::optional<TimePoint> hanging_since_;
  std::string hang_;
};

}  // namespace ringtrain::launcher
