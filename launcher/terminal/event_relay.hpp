// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// Writes the ranks' events to a descriptor as they came. Step events are thinned to one a second.
class EventRelay {
 public:
  // For a log, which may be rotated, the started event is repeated every ten minutes.
  enum class For { log, file };
  EventRelay(int descriptor, For reader) : descriptor_(descriptor), reader_(reader) {}
  void pass_on(const std::string& line, const Event& event);

 private:
  using Clock = std::chrono::steady_clock;

  int descriptor_;
  For reader_;
  std::string started_line_;
  Clock::time_point started_at_;
  std::optional<Clock::time_point> step_at_;
};

}  // namespace ringtrain::launcher
