// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/run_display.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>
#include <variant>

#include "base/file_descriptor.hpp"
#include "base/text.hpp"
#include "job/event_lines.hpp"

namespace ringtrain::launcher {

RunDisplay::RunDisplay(bool keep_stdout, std::vector<EventRelay> relays)
    : keep_stdout_(keep_stdout),
      relays_(std::move(relays)),
      progress_(STDERR_FILENO, ::isatty(STDERR_FILENO) == 1) {}

void RunDisplay::on_event(const Event& event, const std::string& line) {
  for (EventRelay& relay : relays_) relay.pass_on(line, event);
  if (const auto* started = std::get_if<StartedEvent>(&event)) {
    for (const std::string& text : started_lines(*started)) progress_.line(text);
  } else if (const auto* step = std::get_if<StepEvent>(&event)) {
    progress_.show(*step, TrainingProgress::Clock::now());
  } else if (const auto* epoch = std::get_if<EpochEvent>(&event)) {
    progress_.show(*epoch);
  } else if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) {
    progress_.line(
        fmt::format("checkpoint of step {}", print_count(static_cast<double>(checkpoint->step))));
  } else if (const auto* log = std::get_if<LogEvent>(&event)) {
    progress_.line(log->level == "info" ? log->message : log->level + ": " + log->message);
  }
}

void RunDisplay::on_standard_output(const std::string& line) {
  if (keep_stdout_) {
    progress_.line(line);
    return;
  }
  progress_.clear();
  write_all(STDOUT_FILENO, line + "\n");
}

}  // namespace ringtrain::launcher
