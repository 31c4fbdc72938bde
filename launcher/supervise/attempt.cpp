// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/attempt.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/whole_number.hpp"
#include "launcher/mpi/mpirun_messages.hpp"
#include "launcher/supervise/script_watch.hpp"
#include "launcher/supervise/training_watch.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;

constexpr std::chrono::milliseconds kBetweenLooks(200);
// A cluster gives 30 s from SIGTERM to SIGKILL; a checkpoint has most of them.
constexpr seconds kForLastCheckpoint(22);
constexpr seconds kBetweenRequests(1);
constexpr seconds kAfterFailure(3);  // in which mpirun ends the other ranks by itself
constexpr seconds kAfterResult(20);

//   training ──> growing ──> releasing
//      ├───────────┴───┬──────┴───────> stopping
//      ├──> failing ───┤
//      └──> finished ──┘
// and from training, growing and failing to abandoned.
enum class State {
  training,
  growing,    // more ranks could run: they are asked to end at the next checkpoint or epoch
  releasing,  // they were asked to, and will be started again
  stopping,   // they were asked to save a checkpoint and end, for a request to us
  failing,    // a rank has reported a failure; the others end by themselves
  abandoned,  // they hang, or a host is lost: they were killed
  finished,   // the result is there; they end by themselves
};

class Attempt {
 public:
  Attempt(Ranks& ranks, const AttemptOptions& options, Clock& clock, RunObserver& observer)
      : ranks_(ranks),
        options_(options),
        clock_(clock),
        observer_(observer),
        training_(clock.now(), options.start_timeout) {
    if (options.script != nullptr) script_.emplace(options.ranks, options.script->hang_timeout);
  }

  AttemptEnd run() {
    for (;;) {
      const Ranks::Seen seen = ranks_.wait(kBetweenLooks, sink_);
      while (const int signal = clock_.wait_for_stop(std::chrono::milliseconds(0))) {
        on_stop(signal);
      }
      if (seen.ended) break;
      // Output that came in time counts, though this process may have been too busy, or paused, to
      // read it.
      check_deadlines(!seen.output);
    }
    const ExitStatus status = ranks_.finish(sink_);
    for (const std::string& line : messages_.finish()) observer_.on_standard_error(line);
    AttemptEnd end = end_of(status);
    observer_.on_ranks_ended();
    return end;
  }

 private:
  bool is_training() const { return state_ == State::training || state_ == State::growing; }

  void on_stop(int signal) {
    if (stop_signal_ != 0) {
      ranks_.kill();
      return;
    }
    stop_signal_ = signal;
    state_ = State::stopping;
    observer_.on_message(fmt::format(
        "{}{}", script_ ? "stopping: the ranks get SIGTERM" : "stopping with a checkpoint",
        signal == SIGINT ? "; Ctrl-C again ends the ranks at once" : ""));
    ask_to_end();
  }

  // mpirun takes SIGTERM for an order to kill all ranks within a second; SIGUSR2 it passes on.
  void ask_to_end() {
    if (asked_at_) return;
    ranks_.send(SIGUSR2);
    asked_at_ = clock_.now();
    kill_after(kForLastCheckpoint);
  }

  void kill_after(Clock::TimePoint::duration wait) {
    const auto at = clock_.now() + wait;
    if (!kill_at_ || at < *kill_at_) kill_at_ = at;
  }

  void check_deadlines(bool all_was_read) {
    const auto now = clock_.now();
    if (kill_at_ && now >= *kill_at_) {
      ranks_.kill();
      return;
    }
    // Repeated: ranks that were just starting did not get the first one.
    if (asked_at_ && now - *asked_at_ >= kBetweenRequests) {
      ranks_.send(SIGUSR2);
      asked_at_ = now;
    }
    if (!is_training()) return;
    if (script_) {
      const auto hang = script_->new_hang(now, [this] { return paused(); });
      if (hang) observer_.on_message(*hang);
      if (const auto overlong = script_->overlong_hang(now)) abandon(*overlong);
      return;
    }
    if (const auto hang = training_.hang(now); hang && all_was_read) {
      abandon(*hang + paused());
    } else if (state_ == State::training && options_.can_grow()) {
      state_ = State::growing;
    }
  }

  std::string paused() {
    std::string text = ranks_.paused();
    for (const auto& [host, there] : paused_on_hosts_) {
      if (!there.empty()) text += fmt::format("{} on {}", there, host);
    }
    return text;
  }

  void abandon(const std::string& cause) {
    state_ = State::abandoned;
    abandoned_because_ = cause;
    ranks_.kill();
  }

  void on_output(const std::string& line) {
    const auto record = parse_event(line);
    if (!record) {
      observer_.on_standard_output(line);
      return;
    }
    options_.on_event(record->event);
    observer_.on_event(record->event, line);
    std::visit([this](const auto& what) { on(what); }, record->event);
  }

  void on(const StartedEvent& started) { training_.on(started, clock_.now()); }
  void on(const StepEvent& step) { training_.on(step, clock_.now()); }
  void on(const EpochEvent& epoch) {
    training_.on(epoch, clock_.now());
    release_if_growing();
  }
  void on(const CheckpointEvent& checkpoint) {
    training_.on(checkpoint, clock_.now());
    release_if_growing();
  }
  void on(const StoppedEvent& stopped) {
    training_.on(stopped);
    ranks_stopped_ = true;
    if (stopped.checkpoint) saved_step_ = stopped.step;
  }
  void on(const EvaluatingEvent& evaluating) { training_.on(evaluating, clock_.now()); }
  void on(const LostHostEvent& host) {
    if (!is_training() && state_ != State::failing) return;
    lost_host_ = host.host;
    abandon(fmt::format("the connection to {} was lost", host.host));
  }
  void on(const PausedEvent& paused) { paused_on_hosts_[paused.host] = paused.text; }
  void on(const LogEvent& /*log*/) {}
  void on(const RanksEvent& /*ranks*/) {}
  void on(const RankEndedEvent& ended) {
    if (!script_) return;
    script_->on(ended);
    if (!script_->has_failed()) return;
    if (is_training()) state_ = State::failing;
    kill_after(kAfterFailure);
  }
  void on(const RankSilentEvent& silent) {
    if (script_) script_->on(silent, clock_.now());
  }
  void on(const ResultEvent& result) {
    result_ = result.result;
    if (is_training()) state_ = State::finished;
    kill_after(kAfterResult);
  }
  void on(const FailureEvent& failure) {
    if (!failure_) failure_ = failure;
    if (is_training()) state_ = State::failing;
    kill_after(kAfterFailure);
  }

  void release_if_growing() {
    if (state_ != State::growing) return;
    state_ = State::releasing;
    ask_to_end();
  }

  void on_error(const std::string& line) {
    if (state_ == State::abandoned) return;  // about our own kill
    for (const std::string& shown : messages_.feed(line)) observer_.on_standard_error(shown);
    if (messages_.lost_rank()) kill_after(kAfterFailure);
  }

  std::string at_step() const { return script_ ? "" : training_.at_step(); }

  AttemptEnd end_of(const ExitStatus& status) {
    // The result comes last, with everything on the disk: a loss after it does not matter.
    if (result_ && !failure_) return AttemptEnd::finished(std::move(*result_));
    if (stop_signal_ != 0) return AttemptEnd::stopped(stop_signal_, saved_step_);
    if (failure_ && !failure_->again) return AttemptEnd::refused(*failure_);
    if (state_ == State::releasing) return AttemptEnd::released();
    // Others only lost the rank that mpirun reports as killed.
    if (script_ && state_ != State::abandoned &&
        (script_->has_first_cause() || !messages_.lost_rank())) {
      if (auto end = script_->end(status.success())) return *std::move(end);
    }
    return AttemptEnd::lost(cause_of_loss(status), culprit());
  }

  Culprit culprit() const {
    if (state_ == State::abandoned) return {.host = lost_host_};
    if (const auto& rank = messages_.lost_rank()) {
      return {whole_number(rank->rank).value_or(-1), rank->host};
    }
    if (failure_) return {failure_->rank, failure_->host};
    return {};
  }

  std::string cause_of_loss(const ExitStatus& status) {
    if (state_ == State::abandoned) return abandoned_because_ + at_step();
    // A rank that was killed explains why others lost it, not the other way round.
    if (const auto& rank = messages_.lost_rank()) {
      return describe(*rank) + at_step() +
             (rank->signal == SIGKILL ? ": by hand, or because memory ran out (see dmesg)" : "");
    }
    if (failure_) return describe(*failure_);
    if (ranks_stopped_) return "somebody else stopped the ranks" + at_step();
    for (const std::string& line : messages_.kept()) observer_.on_standard_error(line);
    if (status.signal != 0) {
      return fmt::format("mpirun was ended by signal {} ({}){}", status.signal,
                         ::strsignal(status.signal), at_step());
    }
    if (status.success()) return "the ranks ended without a result";
    return fmt::format("mpirun ended with exit code {}{}: see the lines above", status.code,
                       at_step());
  }

  Ranks& ranks_;
  const AttemptOptions& options_;
  Clock& clock_;
  RunObserver& observer_;
  const LineSink sink_{[this](const std::string& line) { on_output(line); },
                       [this](const std::string& line) { on_error(line); }};

  State state_ = State::training;
  std::string abandoned_because_;
  std::optional<std::string> lost_host_;
  int stop_signal_ = 0;  // the first request to us
  std::optional<Clock::TimePoint> asked_at_;
  std::optional<Clock::TimePoint> kill_at_;

  TrainingWatch training_;
  std::optional<ScriptWatch> script_;
  MpirunMessages messages_;
  std::map<std::string, std::string> paused_on_hosts_;
  std::optional<Result> result_;
  std::optional<FailureEvent> failure_;
  bool ranks_stopped_ = false;
  std::optional<int64_t> saved_step_;  // of the checkpoint that they left then
};

}  // namespace

AttemptEnd attempt(Ranks& ranks, const AttemptOptions& options, Clock& clock,
                   RunObserver& observer) {
  return Attempt(ranks, options, clock, observer).run();
}

}  // namespace ringtrain::launcher
