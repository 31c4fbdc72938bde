// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "launcher/supervise/run_observer.hpp"
#include "launcher/terminal/event_relay.hpp"
#include "launcher/terminal/training_progress.hpp"

namespace ringtrain::launcher {

// Shows a supervised run: progress, messages and stderr of the ranks on our stderr, their stdout on
// ours; passes its events on.
class RunDisplay : public RunObserver {
 public:
  // keep_stdout: for the result; output of ranks goes to stderr, too.
  // relays: take the events, too.
  RunDisplay(bool keep_stdout, std::vector<EventRelay> relays);

  void on_event(const Event& event, const std::string& line) override;
  void on_standard_output(const std::string& line) override;
  void on_standard_error(const std::string& line) override { progress_.line(line); }
  void on_message(const std::string& text) override { progress_.line(text); }
  void on_ranks_ended() override { progress_.clear(); }

 private:
  const bool keep_stdout_;
  std::vector<EventRelay> relays_;
  TrainingProgress progress_;
};

}  // namespace ringtrain::launcher
