// SPDX-License-Identifier: Apache-2.0
#include "job/events.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/whole_number.hpp"
#include "job/result_fields.hpp"

namespace ringtrain {

using nlohmann::ordered_json;

constexpr auto fields_of(const StartedEvent*) {
  using T = StartedEvent;
  return std::tuple(field("placement", &T::placement), field("world_size", &T::world_size),
                    field("step", &T::from_step), field("steps", &T::steps),
                    field("epochs", &T::epochs), field("communication", &T::communication),
                    field("startup_seconds", &T::startup_seconds));
}

constexpr auto fields_of(const StepEvent*) {
  using T = StepEvent;
  return std::tuple(field("epoch", &T::epoch), field("epochs", &T::epochs), field("step", &T::step),
                    field("steps", &T::steps), field("loss", &T::loss),
                    field("samples_per_second", &T::samples_per_second),
                    field("seconds_left", &T::seconds_left));
}

constexpr auto fields_of(const RanksEvent*) {
  using T = RanksEvent;
  return std::tuple(field("step", &T::step), field("samples_seen", &T::samples_seen),
                    field("skipped_steps", &T::skipped_steps),
                    field("step_seconds", &T::step_seconds),
                    field("communication_share", &T::communication_share),
                    field("data_share", &T::data_share), field("seconds", &T::seconds));
}

constexpr auto fields_of(const EpochEvent*) {
  using T = EpochEvent;
  return std::tuple(field("epoch", &T::epoch), field("epochs", &T::epochs), field("step", &T::step),
                    field("samples_seen", &T::samples_seen),
                    field("learning_rate", &T::learning_rate), field("train_loss", &T::train_loss),
                    field("test_loss", &T::test_loss), field("test_accuracy", &T::test_accuracy),
                    field("test_rmse", &T::test_rmse, WhenEmpty::omit),
                    field("test_mae", &T::test_mae, WhenEmpty::omit), field("seconds", &T::seconds),
                    field("step_seconds", &T::slowest));
}

constexpr auto fields_of(const CheckpointEvent*) {
  using T = CheckpointEvent;
  return std::tuple(field("step", &T::step), field("path", &T::path), field("bytes", &T::bytes),
                    field("seconds", &T::seconds), field("pause", &T::pause));
}

constexpr auto fields_of(const StoppedEvent*) {
  using T = StoppedEvent;
  return std::tuple(field("step", &T::step), field("steps", &T::steps),
                    field("samples_seen", &T::samples_seen), field("checkpoint", &T::checkpoint));
}

constexpr auto fields_of(const EvaluatingEvent*) {
  return std::tuple(field("batches", &EvaluatingEvent::batches));
}

constexpr auto fields_of(const LostHostEvent*) {
  return std::tuple(field("host", &LostHostEvent::host));
}

constexpr auto fields_of(const PausedEvent*) {
  return std::tuple(field("host", &PausedEvent::host), field("text", &PausedEvent::text));
}

constexpr auto fields_of(const LogEvent*) {
  return std::tuple(field("level", &LogEvent::level), field("message", &LogEvent::message));
}

constexpr auto fields_of(const FailureEvent*) {
  using T = FailureEvent;
  return std::tuple(field("exit_code", &T::exit_code), field("again", &T::again),
                    field("rank", &T::rank), field("host", &T::host),
                    field("message", &T::message));
}

constexpr auto fields_of(const RankEndedEvent*) {
  using T = RankEndedEvent;
  return std::tuple(field("rank", &T::rank), field("host", &T::host),
                    field("exit_code", &T::exit_code), field("signal", &T::signal),
                    field("message", &T::message), field("consequence", &T::consequence),
                    field("again", &T::again), field("log", &T::log));
}

constexpr auto fields_of(const RankSilentEvent*) {
  using T = RankSilentEvent;
  return std::tuple(field("rank", &T::rank), field("host", &T::host), field("silent", &T::silent),
                    field("seconds", &T::seconds), field("at", &T::at),
                    field("waits_in", &T::waits_in));
}

namespace {

constexpr char kRecordSeparator = '\x1e';
constexpr size_t kLongestLine = 16 << 20;
constexpr int kEventVersion = 1;

template <class T>
void put(ordered_json& json, const T& event) {
  put_fields(json, event);
}

void put(ordered_json& json, const ResultEvent& event) { put_fields(json, event.result); }

template <class T>
void take(const ordered_json& json, T& event) {
  take_fields(json, event);
}

void take(const ordered_json& json, ResultEvent& event) { take_fields(json, event.result); }

void take(const ordered_json& json, FailureEvent& event) {
  take_fields(json, event);
  if (!json.contains("again")) event.again = event.exit_code != 2 && event.exit_code != 3;
}

template <class T>
bool take_kind(const std::string& kind, const ordered_json& json, std::optional<Event>& event) {
  if (kind != T::kKind) return false;
  take(json, event.emplace().emplace<T>());
  return true;
}

// One call of take_kind for each alternative of Event.
template <class... T>
std::optional<Event> take_event(const ordered_json& json, const std::variant<T...>* /*kinds*/) {
  const auto kind = json.at("event").get<std::string>();
  std::optional<Event> event;
  (take_kind<T>(kind, json, event) || ...);
  return event;
}

// Text from files need not be UTF-8: what is not is replaced rather than refused.
std::string print(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

int attempt_from_environment() {
  const char* const text = std::getenv(kAttemptVariable);
  return text == nullptr ? 1 : std::max(1, whole_number(text).value_or(1));
}

std::string print_event(const Event& event, int attempt, Time time) {
  ordered_json json;
  std::visit(
      [&](const auto& content) {
        json = {{"event", content.kKind},
                {"version", kEventVersion},
                {"time", print_time_ms(time)},
                {"attempt", attempt}};
        put(json, content);
      },
      event);
  return kRecordSeparator + print(json);
}

std::optional<EventRecord> parse_event(std::string_view line) {
  if (!line.starts_with(kRecordSeparator)) return std::nullopt;
  try {
    const auto json = ordered_json::parse(line.substr(1));
    if (json.value("version", kEventVersion) > kEventVersion) return std::nullopt;
    auto event = take_event(json, static_cast<const Event*>(nullptr));
    if (!event) return std::nullopt;
    return EventRecord{std::move(*event), parse_time(json.value("time", "")),
                       json.value("attempt", 1)};
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

std::string print_history_line(const EpochEvent& epoch) { return print(ordered_json(epoch)); }

std::optional<EpochEvent> parse_history_line(std::string_view line) {
  try {
    const auto json = ordered_json::parse(line);
    if (!json.is_object()) return std::nullopt;
    EpochEvent epoch;
    take_fields(json, epoch);
    return epoch;
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

void Lines::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\n\x1e");
    if (end == std::string_view::npos) {
      open_ += bytes;
      if (open_.size() > kLongestLine) finish(take);
      return;
    }
    open_ += bytes.substr(0, end);
    const bool newline = bytes[end] == '\n';
    if (newline || !open_.empty()) take(std::exchange(open_, {}));
    if (!newline) open_ = kRecordSeparator;
    bytes.remove_prefix(end + 1);
  }
}

void Lines::finish(const Take& take) {
  if (!open_.empty()) take(std::exchange(open_, {}));
}

}  // namespace ringtrain
