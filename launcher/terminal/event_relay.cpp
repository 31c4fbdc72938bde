// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/event_relay.hpp"

#include <variant>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {

void EventRelay::pass_on(const std::string& line, const Event& event) {
  const auto now = Clock::now();
  if (std::holds_alternative<StepEvent>(event)) {
    if (step_at_ && now - *step_at_ < std::chrono::seconds(1)) return;
    step_at_ = now;
    if (!started_line_.empty() && now - started_at_ > std::chrono::minutes(10)) {
      started_at_ = now;
      write_all(descriptor_, started_line_ + "\n");
    }
  } else if (std::holds_alternative<StartedEvent>(event)) {
    started_at_ = now;
    if (reader_ == For::log) started_line_ = line;
  }
  write_all(descriptor_, line + "\n");  // a closed pipe does not end the run
}

}  // namespace ringtrain::launcher
