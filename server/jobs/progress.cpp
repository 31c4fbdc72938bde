// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/progress.hpp"

#include <algorithm>
#include <chrono>
#include <variant>

#include "base/time.hpp"
#include "job/fields.hpp"

namespace ringtrain::server {

using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const RankRate*) {
  using T = RankRate;
  return std::tuple(field("ranks", &T::ranks), field("rate", &T::samples_per_second),
                    field("reports", &T::reports));
}

constexpr auto fields_of(const Progress*) {
  using T = Progress;
  return std::tuple(
      field("attempt", &T::attempt), field("offset", &T::offset), field("phase", &T::phase),
      field("attempt_saved", &T::attempt_saved), field("has_saved", &T::has_saved),
      field("barren", &T::barren), field("first_started", &T::first_started),
      field("starts_of_attempt", &T::starts_of_attempt), field("rates", &T::rates),
      field("communication_share", &T::communication_share), field("data_share", &T::data_share),
      field("ranks_seen", &T::ranks_seen), field("figures", &T::figures));
}

namespace {

constexpr int64_t kReportsInMean = 60;

// Takes the kinds of events that change the phase of a run, or add to rates or a series.
class Taker {
 public:
  Taker(Progress& progress, SeriesByName& series, Time time)
      : p_(progress),
        series_(series),
        stamp_(print_time_ms(time)),
        seconds_(std::chrono::duration<double>(time.time_since_epoch()).count()) {}

  void operator()(const StartedEvent&) {
    if (p_.first_started.empty()) p_.first_started = stamp_;
    set(RunPhase::training);
    ++p_.starts_of_attempt;
  }
  void operator()(const StepEvent& step) {
    set(RunPhase::training);
    add_rate(step.samples_per_second);
    add("loss", step.step, step.loss);
    add("samples_per_second", step.step, step.samples_per_second);
  }
  void operator()(const EpochEvent& epoch) {
    add("train_loss", epoch.step, epoch.train_loss);
    add("learning_rate", epoch.step, epoch.learning_rate);
    if (epoch.test_loss) add("test_loss", epoch.step, *epoch.test_loss);
    if (epoch.test_accuracy) add("test_accuracy", epoch.step, *epoch.test_accuracy);
    if (epoch.slowest) add("step_seconds", epoch.step, epoch.slowest->seconds);
  }
  void operator()(const RanksEvent& ranks) {
    p_.communication_share = ranks.communication_share;
    p_.data_share = ranks.data_share;
    if (!ranks.step_seconds.empty()) p_.ranks_seen = stamp_;
    add("communication_share", ranks.step, ranks.communication_share);
    add("data_share", ranks.step, ranks.data_share);
  }
  void operator()(const CheckpointEvent&) { p_.attempt_saved = p_.has_saved = true; }
  void operator()(const StoppedEvent& stopped) {
    if (stopped.checkpoint) p_.attempt_saved = p_.has_saved = true;
  }
  void operator()(const ResultEvent& event) {
    if (event.result.status != "stopped") set(RunPhase::finished);
  }
  void operator()(const FailureEvent&) { set(RunPhase::failing); }
  void operator()(const LostHostEvent&) { set(RunPhase::failing); }
  void operator()(const EvaluatingEvent&) {}
  void operator()(const PausedEvent&) {}
  void operator()(const RankEndedEvent& ended) {
    if (ended.exit_code != 0 || ended.signal != 0) set(RunPhase::failing);
  }
  void operator()(const RankSilentEvent&) {}
  void operator()(const LogEvent&) {}

 private:
  void set(RunPhase phase) { p_.phase = static_cast<int64_t>(phase); }
  // The rate is that of as many ranks as started last.
  void add_rate(double samples_per_second) {
    const int64_t ranks = p_.figures.ranks;
    auto found = std::find_if(p_.rates.begin(), p_.rates.end(),
                              [&](const RankRate& one) { return one.ranks >= ranks; });
    if (found == p_.rates.end() || found->ranks != ranks) {
      found = p_.rates.insert(found, {.ranks = ranks});
    }
    found->reports = std::min(found->reports + 1, kReportsInMean);
    found->samples_per_second +=
        (samples_per_second - found->samples_per_second) / static_cast<double>(found->reports);
  }
  void add(const char* name, int64_t step, double value) {
    series_[name].add(static_cast<double>(step), seconds_, value);
  }

  Progress& p_;
  SeriesByName& series_;
  const std::string stamp_;
  const double seconds_;
};

}  // namespace

void Progress::begin_attempt(int number) {
  if (attempt > 0) barren = attempt_saved ? 0 : barren + 1;
  attempt = number;
  offset = 0;
  phase = static_cast<int64_t>(RunPhase::none);
  attempt_saved = false;
  starts_of_attempt = 0;
}

nlohmann::ordered_json rates_to_json(const std::vector<RankRate>& rates) {
  auto json = nlohmann::ordered_json::object();
  for (const RankRate& one : rates) {
    if (one.reports >= kReportsOfARate) json[std::to_string(one.ranks)] = one.samples_per_second;
  }
  return json;
}

nlohmann::ordered_json progress_to_json(const Progress& progress) { return progress; }

std::optional<Progress> progress_from_json(const std::string& text) {
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    if (!json.is_object()) return std::nullopt;
    return json.get<Progress>();
  } catch (const nlohmann::ordered_json::exception&) {
    return std::nullopt;
  }
}

void take_event(const EventRecord& record, Progress& progress, SeriesByName& series) {
  std::visit(Taker(progress, series, record.time.value_or(Time{})), record.event);
  progress.figures.take(record);
}

}  // namespace ringtrain::server
