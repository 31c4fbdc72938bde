// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "base/file.hpp"
#include "base/time.hpp"
#include "job/outcome_file.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/now_text.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

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
  record_ = record.value_or(folder_.record_of_run());
  is_damaged_ = folder_.is_managed() && !record;
  traits_ = traits_of(record_);
  if (const auto intents = folder_.read_intents(); !intents.empty()) {
    intent_ = intents.back();
    for (const Intent& one : intents) {
      if (one.is_scale) scaled_at_ = one.time;
      if (one.desired != Desired::run) continue;
      if (intent_.desired != Desired::run) intent_.first_attempt = one.first_attempt;
      if (one.is_wish()) queued_since_ = one.time;
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

// Returns the intent as it is, for a request of now to change.
Intent Job::next_intent(const std::string& by) const {
  Intent next = intent_;
  next.is_scale = next.is_order = false;
  next.time = now_text();
  next.by = by;
  return next;
}

void Job::take_intent(const Intent& next) {
  folder_.append(next);
  intent_ = next;
  is_changed_ = true;
}

void Job::ask(Desired desired, const std::string& by) {
  Intent next = next_intent(by);
  next.desired = desired;
  if (desired == Desired::run) next.first_attempt = folder_.last_attempt() + 1;
  take_intent(next);
  if (desired == Desired::run) queued_since_ = next.time;
  if (desired != Desired::finish) forget_finish_request(folder_.output());
}

void Job::scale(int ranks, const std::string& by) {
  Intent next = next_intent(by);
  next.ranks = ranks;
  next.is_scale = true;
  if (lives_ && next.desired == Desired::run && !is_in_cluster()) {
    next.first_attempt = folder_.last_attempt() + 1;
    restart_clock_.begin(last_attempt_);
  }
  take_intent(next);
  scaled_at_ = next.time;
}

void Job::set_priority(int priority, const std::string& by) {
  Intent next = next_intent(by);
  next.priority = priority;
  next.is_order = true;
  take_intent(next);
}

double Job::seconds_since_scale() const {
  const auto then = parse_time(scaled_at_);
  if (!then) return std::numeric_limits<double>::infinity();
  return std::chrono::duration<double>(std::chrono::system_clock::now() - *then).count();
}

int Job::busy_ranks() const {
  if (!lives_) return 0;
  const bool has_started = progress_.attempt == last_attempt_ && progress_.starts_of_attempt > 0;
  // Ranks of a script do not report how many they are.
  const int64_t ranks_of_start = progress_.figures.ranks;
  if (has_started && ranks_of_start > 0) return static_cast<int>(ranks_of_start);
  return started_ranks_ > 0 ? started_ranks_ : ranks();
}

// A run that lives is of an attempt before those that are meant.
bool Job::shall_start_again() const {
  return lives_ && !is_in_cluster() && intent_.desired == Desired::run &&
         last_attempt_ < intent_.first_attempt;
}

bool Job::read_new_events(const OnEvent& on_event) {
  bool found = false;
  const auto take = [&](const EventRecord& event) {
    found = true;
    take_event(event, progress_, series_);
    if (std::holds_alternative<StepEvent>(event.event)) {
      restart_clock_.end(static_cast<int>(progress_.attempt));
    }
    on_event(event);
  };
  if (progress_.attempt == 0 && last_attempt_ > 0) progress_.begin_attempt(1);
  while (progress_.attempt > 0) {
    const auto file = folder_.attempt(static_cast<int>(progress_.attempt)) / "events.jsonl";
    if (read_events(file, progress_.offset, take)) continue;  // there is more
    if (progress_.attempt >= last_attempt_) return found;
    progress_.begin_attempt(static_cast<int>(progress_.attempt) + 1);
  }
  return found;
}

StateView Job::derived() const {
  if (is_damaged_) return {JobState::failed, "Damaged", "job.json cannot be read: send it again"};
  JobFacts facts{.desired = intent_.desired,
                 .attempts = std::max(0, last_attempt_ - intent_.first_attempt + 1),
                 .lives = lives_,
                 .outcome = outcome_,
                 .phase = progress_.run_phase(),
                 .restarts = record_.restarts,
                 .is_script = !record_.script.empty()};
  facts.barren = std::min(facts.attempts,
                          static_cast<int>(progress_.barren) + (progress_.attempt_saved ? 0 : 1));
  if (progress_.attempt < last_attempt_) facts.phase = RunPhase::none;
  if (shall_start_again()) facts.next_ranks = ranks();
  // Nobody starts the run of a folder again that is not the server's.
  if (!folder_.is_managed() && !lives_) facts.desired = Desired::stop;
  StateView view = derive_state(facts);
  if (is_in_cluster() && lives_) view = view_in_cluster(std::move(view), cluster_run_);
  if (view.state == JobState::queued && view.why.empty()) view.why = waiting_;
  return view;
}

bool Job::observe(const OnEvent& on_event) {
  const auto facts = [this] { return std::tuple(last_attempt_, lives_, outcome_.has_value()); };
  const auto facts_before = facts();
  last_attempt_ = folder_.last_attempt();
  const auto newest = folder_.attempt(last_attempt_);
  // The lock before the outcome: a run that ends in between has written it.
  has_follower_ = last_attempt_ > 0 && launcher::run_lives(newest);
  lives_ = has_follower_;
  outcome_ = lives_ || last_attempt_ == 0 ? std::nullopt : read_outcome(newest / "outcome.json");
  if (is_in_cluster() && last_attempt_ > 0) {
    // The MPIJob runs on without its follower.
    if (!outcome_) lives_ = true;
    read_cluster_file();
  }
  bool is_news = read_new_events(on_event);
  const StateView view_before = std::exchange(view_, derived());
  if (view_.state != view_before.state || since_.empty()) {
    since_ = now_text();
    // A job that ended while nobody looked did so when it says.
    if (outcome_ && is_at_rest(view_.state)) since_ = print_time_ms(outcome_->ended);
  }
  // A hundred jobs of which nothing is new must cost next to nothing.
  is_news = is_news || std::exchange(is_changed_, false) || is_in_cluster() || line_.empty() ||
            facts() != facts_before || view_ != view_before;
  if (!is_news) return false;
  const std::string line_before = std::exchange(line_, text());
  return line_ != line_before;
}

void Job::pass_on_wish() {
  if (lives_ && is_in_cluster()) return pass_on_cluster_wish();
  if (!lives_ || !folder_.is_managed() || asked_attempt_ == last_attempt_) return;
  const auto attempt = folder_.attempt(last_attempt_);
  std::error_code ignored;
  const auto was_asked = [&](const char* how) {
    return std::filesystem::exists(attempt / how, ignored);
  };
  if (intent_.desired == Desired::finish) {
    if (was_asked("finish.sent")) return;
    ask_to_finish(folder_.output());
    write_file(attempt / "finish.sent", "");
  } else if (intent_.desired != Desired::run || shall_start_again()) {
    if (was_asked("stop.sent") || !launcher::signal_run(attempt, SIGTERM)) return;
    asked_attempt_ = last_attempt_;
    write_file(attempt / "stop.sent", "");
  }
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
  line_.clear();
  return true;
}

std::string Job::script() const {
  // The ranks of a script report no steps: so is a run of one known that the server did not start.
  const tracking::JobFigures& p = progress_.figures;
  const bool is_run_of_one = !folder_.is_managed() && p.starts > 0 && p.steps == 0;
  return is_run_of_one ? record_.name : record_.script;
}

ordered_json Job::to_json() const {
  const tracking::JobFigures& p = progress_.figures;
  const std::string& started = progress_.first_started;
  // The last report of steps may be of an early one.
  const bool is_complete = progress_.run_phase() == RunPhase::finished;
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
      {"stored_dataset", record_.stored_dataset},
      {"script", script()},
      {"ranks", lives_ ? busy_ranks() : ranks()},
      {"cluster", record_.cluster},
      {"priority", priority()},
      {"attempts", last_attempt_},
      {"exit_code", outcome_ && outcome_->exit_code ? ordered_json(*outcome_->exit_code) : nullptr},
      {"restarts", std::max<int64_t>(0, p.starts - 1)},
      {"step", p.step},
      {"steps", p.steps},
      {"epoch", p.epoch},
      {"epochs", p.epochs},
      {"progress", view_.state == JobState::succeeded ? 1 : share(p.step, p.steps)},
      {"loss", number(is_complete || !p.loss ? p.train_loss : p.loss)},
      {"test_loss", number(p.test_loss)},
      {"test_accuracy", number(p.test_accuracy)},
      {"best_accuracy", number(p.best_accuracy)},
      {"samples_per_second", number(p.samples_per_second)},
      {"seconds_left", lives_ ? number(p.seconds_left) : ordered_json(nullptr)},
      {"started", started.empty() ? ordered_json(nullptr) : ordered_json(started)},
      {"order_hash", p.order_hash},
      {"batch_size", traits_.batch_size},
      {"seed", traits_.seed},
      {"elastic", traits_.is_elastic},
      {"partial", traits_.is_partial},
      {"parent", record_.parent},
      {"rates", rates_to_json(progress_.rates)}};
  if (position_ > 0 && view_.state == JobState::queued) json["queue_position"] = position_;
  return json;
}

std::string Job::text() const {
  return to_json().dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

IndexRow Job::to_row() const {
  return {record_.name, state_name(view_.state), record_.created, text(),
          progress_to_json(progress_).dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

}  // namespace ringtrain::server
