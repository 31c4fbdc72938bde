// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/supervise/run_observer.hpp"
#include "launcher/terminal/event_relay.hpp"
#include "launcher/terminal/training_progress.hpp"

namespace ringtrain::launcher {

// Shows a supervised run: progress, messages and stderr of the ranks on our stderr, their stdout on
// ours.
class RunDisplay : public RunObserver {
 public:
  // keep_stdout: for the result; output of ranks goes to stderr, too.
  // relay_events: events go to stdout, too (event_relay.hpp).
  RunDisplay(bool keep_stdout, bool relay_events);

  void on_event(const Event& event, const std::string& line) override;
  void on_standard_output(const std::string& line) override;
  void on_standard_error(const std::string& line) override { progress_.line(line); }
  void on_message(const std::string& text) override { progress_.line(text); }
  void on_ranks_ended() override { progress_.clear(); }

 private:
  const bool keep_stdout_;
  const bool relay_events_;
  TrainingProgress progress_;
  EventRelay relay_;
};

}  // namespace ringtrain::launcher
