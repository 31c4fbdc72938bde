// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <variant>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::launcher {

std::optional<std::string> Recovery::on_event(const Event& event, Clock::time_point now) {
  if (const auto* started = std::get_if<StartedEvent>(&event)) {
    replay_from_ = started->from_step;
    saved_step_ = std::max(saved_step_, started->from_step);
    if (!step_at_) step_at_ = now;
  } else if (const auto* step = std::get_if<StepEvent>(&event)) {
    return reached(step->step, now);
  } else if (const auto* epoch = std::get_if<EpochEvent>(&event)) {
    return reached(epoch->step, now);
  } else if (std::holds_alternative<ResultEvent>(event)) {
    // Ranks that were lost behind their last step have no step left to redo.
    return reached(step_, now);
  } else if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) {
    saved_step_ = std::max(saved_step_, checkpoint->step);
    has_saved_ = true;
  } else if (const auto* stopped = std::get_if<StoppedEvent>(&event)) {
    if (stopped->checkpoint) saved_step_ = std::max(saved_step_, stopped->step);
    has_saved_ = has_saved_ || stopped->checkpoint.has_value();
  }
  return std::nullopt;
}

std::optional<std::string> Recovery::reached(int64_t step, Clock::time_point now) {
  if (step < step_) return std::nullopt;
  std::optional<std::string> line;
  if (lost_since_) {
    // As exact as step events, which come a few times a second.
    const double seconds = std::chrono::duration<double>(now - *lost_since_).count();
    const int64_t steps = std::max(int64_t{0}, step_ - replay_from_);
    seconds_lost_ += seconds;
    steps_replayed_ += steps;
    line = fmt::format("recovered: back at step {} after {}, {} redone",
                       print_count(static_cast<double>(step_)), print_seconds(seconds),
                       counted(steps * batch_size_, "sample"));
    lost_since_.reset();
  }
  step_ = step;
  step_at_ = now;
  return line;
}

bool Recovery::lost(const std::string& cause, Clock::time_point now) {
  causes_.push_back(cause);
  // A loss on the way back counts from the first loss on.
  if (!lost_since_) lost_since_ = step_at_.value_or(now);
  const bool progress = saved_step_ > saved_at_last_loss_;
  saved_at_last_loss_ = saved_step_;
  return progress;
}

std::optional<RecoverySummary> Recovery::summary() const {
  if (causes_.empty()) return std::nullopt;
  return RecoverySummary{.restarts = static_cast<int64_t>(causes_.size()),
                         .seconds_lost = seconds_lost_,
                         .steps_replayed = steps_replayed_,
                         .samples_replayed = steps_replayed_ * batch_size_,
                         .causes = causes_};
}

void add_to_result(const RecoverySummary& summary, Result& result) {
  const auto file = std::filesystem::path(result.model).parent_path() / "result.json";
  const auto found = read_result(file);
  // Compared as texts: a loss that is not a number differs from itself.
  const bool ours = found && print_result(*found) == print_result(result);
  result.recovery = summary;
  if (!ours) return;
  try {
    write_result(file, result);
  } catch (const Error&) {
    // result.json is right without it, too.
  }
}

}  // namespace ringtrain::launcher
