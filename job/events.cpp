// SPDX-License-Identifier: Apache-2.0
#include "job/events.hpp"

#include <utility>

namespace ringtrain {
namespace {

using nlohmann::ordered_json;

constexpr char record_separator = '\x1e';
constexpr std::size_t longest_line = 16 << 20;

std::optional<double> optional_number(const ordered_json& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || found->is_null()) return std::nullopt;
  return found->get<double>();
}

// A loss that is not finite is null in JSON.
double number(const ordered_json& event, const char* key) {
  return optional_number(event, key).value_or(0);
}

Event event_from(const std::string& kind, ordered_json event) {
  if (kind == "started") {
    return StartedEvent{event.value("world_size", int64_t{0}), event.value("steps", int64_t{0}),
                        event.value("epochs", int64_t{0}), event.value("step", int64_t{0}),
                        event.value("placement", ordered_json::array())};
  }
  if (kind == "step") {
    return StepEvent{event.value("epoch", int64_t{0}),
                     event.value("epochs", int64_t{0}),
                     event.value("step", int64_t{0}),
                     event.value("steps", int64_t{0}),
                     number(event, "loss"),
                     number(event, "samples_per_second"),
                     number(event, "seconds_left")};
  }
  if (kind == "epoch") {
    return EpochEvent{event.value("epoch", int64_t{0}),
                      event.value("epochs", int64_t{0}),
                      event.value("step", int64_t{0}),
                      number(event, "train_loss"),
                      optional_number(event, "test_loss"),
                      optional_number(event, "test_accuracy"),
                      number(event, "seconds")};
  }
  if (kind == "checkpoint") return CheckpointEvent{event.value("step", int64_t{0})};
  if (kind == "stopped") {
    const auto checkpoint = event.find("checkpoint");
    const bool saved = checkpoint != event.end() && checkpoint->is_string();
    return StoppedEvent{event.value("step", int64_t{0}), saved};
  }
  if (kind == "evaluating") return EvaluatingEvent{event.value("batches", int64_t{0})};
  if (kind == "lost_host") return LostHostEvent{event.value("host", "")};
  if (kind == "paused") return PausedEvent{event.value("host", ""), event.value("text", "")};
  if (kind == "failure") {
    const int exit_code = event.value("exit_code", 4);
    return FailureEvent{exit_code, event.value("again", exit_code != 2 && exit_code != 3),
                        event.value("rank", int64_t{0}), event.value("host", ""),
                        event.value("message", "")};
  }
  if (kind == "result") {
    event.erase("event");
    return ResultEvent{std::move(event)};
  }
  return LogEvent{event.value("level", "info"), event.value("message", "")};
}

}  // namespace

std::optional<Event> parse_event(std::string_view line) {
  if (!line.starts_with(record_separator)) return std::nullopt;
  try {
    ordered_json event = ordered_json::parse(line.substr(1));
    const auto kind = event.at("event").get<std::string>();
    for (const char* known : {"started", "step", "epoch", "checkpoint", "stopped", "evaluating",
                              "lost_host", "paused", "log", "result", "failure"}) {
      if (kind == known) return event_from(kind, std::move(event));
    }
    return std::nullopt;
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

void Lines::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\n\x1e");
    if (end == std::string_view::npos) {
      open_ += bytes;
      if (open_.size() > longest_line) finish(take);
      return;
    }
    open_ += bytes.substr(0, end);
    const bool newline = bytes[end] == '\n';
    if (newline || !open_.empty()) take(std::exchange(open_, {}));
    if (!newline) open_ = record_separator;
    bytes.remove_prefix(end + 1);
  }
}

void Lines::finish(const Take& take) {
  if (!open_.empty()) take(std::exchange(open_, {}));
}

}  // namespace ringtrain
