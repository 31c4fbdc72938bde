// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "job/output_line.hpp"
#include "launcher/supervise/run_observer.hpp"
#include "launcher/terminal/event_relay.hpp"

namespace ringtrain::launcher {

// Shows the run of a script: its stdout on ours, its stderr and our own messages, which begin with
// "ringtrain:", on our stderr.
class ScriptDisplay : public RunObserver {
 public:
  explicit ScriptDisplay(std::vector<EventRelay> relays) : relays_(std::move(relays)) {}

  void on_event(const Event& event, const std::string& line) override;
  void on_standard_output(const std::string& line) override;
  void on_standard_error(const std::string& line) override;
  void on_message(const std::string& text) override;
  void on_ranks_ended() override { said_.clear(); }

 private:
  void show(const OutputLine& line);

  std::vector<EventRelay> relays_;
  std::unordered_set<std::string> said_;  // lines of any rank that this attempt has shown
};

}  // namespace ringtrain::launcher
