// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/time.hpp"
#include "launcher/supervise/keep.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

std::string now_text() { return print_time_ms(std::chrono::system_clock::now()); }

// A folder of `ringtrain run`, as far as it says.
JobRecord record_of_run(const JobFolder& folder) {
  JobRecord record{.name = folder.name()};
  std::error_code ignored;
  const auto written = std::filesystem::last_write_time(folder.path(), ignored);
  if (!ignored) {
    record.created = print_time_ms(
        std::chrono::time_point_cast<Time::duration>(std::chrono::file_clock::to_sys(written)));
  }
  return record;
}

ordered_json number(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

double share(int64_t done, int64_t all) {
  return all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 0;
}

}  // namespace

Job::Job(JobFolder folder, const std::optional<IndexRow>& row, SeriesByName series)
    : folder_(std::move(folder)) {
  const auto record = folder_.read_record();
  record_ = record.value_or(record_of_run(folder_));
  is_damaged_ = folder_.is_managed() && !record;
  if (const auto intents = folder_.read_intents(); !intents.empty()) {
    intent_ = intents.back();
    if (intent_.desired != Desired::run) {
      for (const Intent& one : intents) {
        if (one.desired == Desired::run) intent_.first_attempt = one.first_attempt;
      }
    }
  }
  if (row) {
    if (auto progress = progress_from_json(row->reader)) {
      progress_ = std::move(*progress);
      series_ = std::move(series);
    }
    const auto shown = ordered_json::parse(row->text, nullptr, false);
    if (shown.is_object()) {
      since_ = shown.value("since", "");
      view_.reason = shown.value("reason", "");
      view_.why = shown.value("why", "");
    }
    for (int state = 0; state <= static_cast<int>(JobState::deleting); ++state) {
      if (row->state == state_name(static_cast<JobState>(state))) {
        view_.state = static_cast<JobState>(state);
      }
    }
  }
}

void Job::ask(Desired desired, const std::string& by) {
  Intent next{
      .desired = desired, .first_attempt = intent_.first_attempt, .time = now_text(), .by = by};
  if (desired == Desired::run) next.first_attempt = folder_.last_attempt() + 1;
  folder_.append(next);
  intent_ = next;
}

void Job::read_new_events(const OnEvent& on_event) {
  const auto take = [&](const EventRecord& event) {
    take_event(event, progress_, series_);
    on_event(event);
  };
  if (progress_.attempt == 0 && last_attempt_ > 0) progress_.begin_attempt(1);
  while (progress_.attempt > 0) {
    const auto file = folder_.attempt(static_cast<int>(progress_.attempt)) / "events.jsonl";
    const bool more = read_events(file, progress_.offset, take);
    if (more) continue;
    if (progress_.attempt >= last_attempt_) return;
    progress_.begin_attempt(static_cast<int>(progress_.attempt) + 1);
  }
}

StateView Job::derived() const {
  if (is_damaged_) return {JobState::failed, "Damaged", "job.json cannot be read: send it again"};
  JobFacts facts{.desired = intent_.desired,
                 .attempts = std::max(0, last_attempt_ - intent_.first_attempt + 1),
                 .lives = lives_,
                 .outcome = outcome_,
                 .phase = progress_.run_phase(),
                 .restarts = record_.restarts};
  facts.barren = std::min(facts.attempts,
                          static_cast<int>(progress_.barren) + (progress_.attempt_saved ? 0 : 1));
  if (progress_.attempt < last_attempt_) facts.phase = RunPhase::none;
  // Nobody starts the run of a folder again that is not the server's.
  if (!folder_.is_managed() && !lives_) facts.desired = Desired::stop;
  StateView view = derive_state(facts);
  if (view.state == JobState::queued && view.why.empty()) view.why = waiting_;
  return view;
}

bool Job::observe(const OnEvent& on_event) {
  const std::string before = to_json().dump();
  last_attempt_ = folder_.last_attempt();
  const auto newest = folder_.attempt(last_attempt_);
  // The lock before the outcome: a run that ends in between has written it.
  lives_ = last_attempt_ > 0 && launcher::run_lives(newest);
  outcome_ = lives_ || last_attempt_ == 0 ? std::nullopt : read_outcome(newest / "outcome.json");
  read_new_events(on_event);
  const JobState state_before = view_.state;
  view_ = derived();
  if (view_.state != state_before || since_.empty()) {
    since_ = now_text();
    // A job that ended while nobody looked did so when it says.
    if (outcome_ && is_at_rest(view_.state)) since_ = print_time_ms(outcome_->ended);
  }
  return to_json().dump() != before;
}

void Job::pass_on_stop() {
  if (!lives_ || stopped_attempt_ == last_attempt_ || intent_.desired == Desired::run ||
      !folder_.is_managed())
    return;
  const auto attempt = folder_.attempt(last_attempt_);
  std::error_code ignored;
  if (std::filesystem::exists(attempt / "stop.sent", ignored)) return;
  if (!launcher::signal_run(attempt, SIGTERM)) return;
  stopped_attempt_ = last_attempt_;
  write_file(attempt / "stop.sent", "");
}

double Job::end_queue() {
  const auto since = parse_time(since_);
  if (!since) return 0;
  const std::chrono::duration<double> waited = std::chrono::system_clock::now() - *since;
  progress_.figures.queue_seconds += std::max(0.0, waited.count());
  return std::max(0.0, waited.count());
}

bool Job::set_waiting(const std::string& why, int position) {
  if (waiting_ == why && position_ == position) return false;
  waiting_ = why;
  position_ = position;
  view_ = derived();
  return true;
}

ordered_json Job::to_json() const {
  const tracking::JobFigures& p = progress_.figures;
  ordered_json json = {
      {"name", record_.name},
      {"state", state_name(view_.state)},
      {"reason", view_.reason},
      {"why", view_.why},
      {"since", since_},
      {"created", record_.created},
      {"by", record_.by},
      {"managed", folder_.is_managed()},
      {"model", record_.model},
      {"dataset", record_.dataset},
      {"ranks", p.ranks > 0 && lives_ ? p.ranks : record_.ranks},
      {"attempts", last_attempt_},
      {"restarts", std::max<int64_t>(0, p.starts - 1)},
      {"step", p.step},
      {"steps", p.steps},
      {"epoch", p.epoch},
      {"epochs", p.epochs},
      {"progress", view_.state == JobState::succeeded ? 1 : share(p.step, p.steps)},
      {"loss", number(p.loss ? p.loss : p.train_loss)},
      {"test_loss", number(p.test_loss)},
      {"test_accuracy", number(p.test_accuracy)},
      {"best_accuracy", number(p.best_accuracy)},
      {"samples_per_second", number(p.samples_per_second)},
      {"seconds_left", lives_ ? number(p.seconds_left) : ordered_json(nullptr)},
      {"started", progress_.first_started.empty() ? ordered_json(nullptr)
                                                  : ordered_json(progress_.first_started)},
      {"order_hash", p.order_hash}};
  if (position_ > 0 && view_.state == JobState::queued) json["queue_position"] = position_;
  return json;
}

IndexRow Job::to_row() const {
  return {record_.name, state_name(view_.state), record_.created,
          to_json().dump(-1, ' ', false, ordered_json::error_handler_t::replace),
          progress_to_json(progress_).dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

}  // namespace ringtrain::server
