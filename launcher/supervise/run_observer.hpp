// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// Takes everything that a supervised run reports, as it happens: a terminal shows it.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // An event of the ranks, and its line as it came.
  virtual void on_event(const Event& event, const std::string& line) = 0;
  // A line of the ranks that is no event.
  virtual void on_standard_output(const std::string& line) = 0;
  // A line of the ranks or of mpirun.
  virtual void on_standard_error(const std::string& line) = 0;
  // A message of the supervision: waiting for hosts, a loss, a restart.
  virtual void on_message(const std::string& text) = 0;
  // The ranks of an attempt have ended, and all their lines were passed on.
  virtual void on_ranks_ended() = 0;
};

}  // namespace ringtrain::launcher
