// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/training_log.hpp"

#include <fmt/format.h>

#include <variant>

namespace ringtrain::mpijob {

StampedLine split_stamp(const std::string& line) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return {std::nullopt, line};
  const auto time = parse_time(line.substr(0, space));
  if (!time) return {std::nullopt, line};
  return {time, line.substr(space + 1)};
}

void TrainingLog::take(const std::string& line) {
  const StampedLine stamped = split_stamp(line);
  const auto record = parse_event(stamped.text);
  if (!record) {
    const std::string own = "ringtrain: ";
    if (stamped.text.starts_with(own)) own_line_ = stamped.text.substr(own.size());
    return;
  }
  if (const auto* started = std::get_if<StartedEvent>(&record->event)) {
    // The launcher repeats the event from time to time: it is a new start only after an end.
    if (!is_training()) {
      step_.reset();
      epoch_.reset();
      step_at_.reset();
    }
    failure_.reset();
    result_.reset();
    own_line_.clear();
    started_ = *started;
  } else if (const auto* step = std::get_if<StepEvent>(&record->event)) {
    step_ = *step;
    step_at_ = stamped.time;
  } else if (const auto* epoch = std::get_if<EpochEvent>(&record->event)) {
    epoch_ = *epoch;
  } else if (const auto* result = std::get_if<ResultEvent>(&record->event)) {
    result_ = *result;
  } else if (const auto* failure = std::get_if<FailureEvent>(&record->event)) {
    if (!failure_) failure_ = *failure;
  } else if (const auto* ended = std::get_if<RankEndedEvent>(&record->event)) {
    if (ended->exit_code != 0 || ended->signal != 0) take_end(*ended);
  }
}

// A rank that only lost another one is no cause while there is another.
void TrainingLog::take_end(const RankEndedEvent& ended) {
  if (failure_ && ended.consequence) return;
  const std::string message =
      ended.signal != 0 ? fmt::format("was ended by signal {} {}", ended.signal, ended.message)
                        : ended.message;
  failure_ = FailureEvent{.exit_code = ended.exit_code,
                          .again = ended.again,
                          .rank = ended.rank,
                          .host = ended.host,
                          .message = message};
}

std::string TrainingLog::cause() const {
  if (!own_line_.empty()) return own_line_;
  if (!failure_) return "";
  return fmt::format("rank {} on {}: {}", failure_->rank, failure_->host, failure_->message);
}

}  // namespace ringtrain::mpijob
