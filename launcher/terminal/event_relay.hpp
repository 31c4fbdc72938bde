// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// Writes the ranks' events to a descriptor as they came, for a program that reads our log. Step
// events are thinned to one a second; the started event is repeated every ten minutes, since logs
// are rotated.
class EventRelay {
 public:
  explicit EventRelay(int descriptor) : descriptor_(descriptor) {}
  void pass_on(const std::string& line, const Event& event);

 private:
  using Clock = std::chrono::steady_clock;

  int descriptor_;
  std::string started_line_;
  Clock::time_point started_at_;
  std::optional<Clock::time_point> step_at_;
};

// Writes the line and a newline. A closed pipe or terminal is not an error.
void write_line(int descriptor, const std::string& line);

}  // namespace ringtrain::launcher
