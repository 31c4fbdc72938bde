// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/event_relay.hpp"

#include <unistd.h>

#include <cerrno>
#include <variant>

namespace ringtrain::launcher {

void EventRelay::pass_on(const std::string& line, const Event& event) {
  const auto now = Clock::now();
  if (std::holds_alternative<StepEvent>(event)) {
    if (step_at_ && now - *step_at_ < std::chrono::seconds(1)) return;
    step_at_ = now;
    if (!started_line_.empty() && now - started_at_ > std::chrono::minutes(10)) {
      started_at_ = now;
      write_line(descriptor_, started_line_);
    }
  } else if (std::holds_alternative<StartedEvent>(event)) {
    started_at_ = now;
    if (reader_ == For::log) started_line_ = line;
  }
  write_line(descriptor_, line);
}

void write_line(int descriptor, const std::string& line) {
  const std::string text = line + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(descriptor, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    done += static_cast<size_t>(size);
  }
}

}  // namespace ringtrain::launcher
