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

#include "base/text.hpp"
#include "launcher/mpi/mpirun_messages.hpp"
#include "launcher/supervise/hang_detector.hpp"

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
        hang_detector_(clock.now(), options.start_timeout) {}

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
    observer_.on_message(signal == SIGINT
                             ? "stopping with a checkpoint; Ctrl-C again ends the ranks at once"
                             : "stopping with a checkpoint");
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
    if (all_was_read && now >= hang_detector_.deadline()) {
      const auto silence = std::chrono::duration<double>(now - hang_detector_.reported_at());
      std::string paused = ranks_.paused();
      for (const auto& [host, text] : paused_on_hosts_) {
        if (!text.empty()) paused += fmt::format("{} on {}", text, host);
      }
      abandon(fmt::format("hang: no progress for {}{}", print_seconds(silence.count()), paused));
    } else if (state_ == State::training && options_.can_grow()) {
      state_ = State::growing;
    }
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

  void on(const StartedEvent& started) {
    steps_ = started.steps;
    step_ = started.from_step;
    hang_detector_.started(step_, clock_.now());
  }
  void on(const StepEvent& step) {
    step_ = step.step;
    steps_ = step.steps;
    hang_detector_.step(step.step, clock_.now());
  }
  void on(const EpochEvent& epoch) {
    step_ = epoch.step;
    hang_detector_.step(epoch.step, clock_.now());
    if (epoch.step >= steps_ || epoch.epoch == epoch.epochs) {
      hang_detector_.saving(clock_.now());
    }
    release_if_growing();
  }
  void on(const CheckpointEvent& checkpoint) {
    // With fast steps, a checkpoint event can arrive before any step event.
    if (checkpoint.step > step_) {
      step_ = checkpoint.step;
      hang_detector_.step(step_, clock_.now());
    }
    release_if_growing();
  }
  void on(const StoppedEvent& stopped) {
    step_ = stopped.step;
    ranks_stopped_ = true;
    if (stopped.checkpoint) saved_step_ = stopped.step;
  }
  void on(const EvaluatingEvent& evaluating) {
    hang_detector_.evaluation(evaluating.batches, clock_.now());
  }
  void on(const LostHostEvent& host) {
    if (!is_training() && state_ != State::failing) return;
    lost_host_ = host.host;
    abandon(fmt::format("the connection to {} was lost", host.host));
  }
  void on(const PausedEvent& paused) { paused_on_hosts_[paused.host] = paused.text; }
  void on(const LogEvent& /*log*/) {}
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

  std::string at_step() const {
    if (steps_ == 0) return ", before the first step";
    return fmt::format(", after step {} of {}", print_count(static_cast<double>(step_)),
                       print_count(static_cast<double>(steps_)));
  }

  AttemptEnd end_of(const ExitStatus& status) {
    // The result comes last, with everything on the disk: a loss after it does not matter.
    if (result_ && !failure_) return AttemptEnd::finished(std::move(*result_));
    if (stop_signal_ != 0) return AttemptEnd::stopped(stop_signal_, saved_step_);
    if (failure_ && !failure_->again) return AttemptEnd::refused(*failure_);
    if (state_ == State::releasing) return AttemptEnd::released();
    return AttemptEnd::lost(cause_of_loss(status), culprit());
  }

  Culprit culprit() const {
    if (state_ == State::abandoned) return {.host = lost_host_};
    if (const auto& rank = messages_.lost_rank()) {
      return {std::atoi(rank->rank.c_str()), rank->host};
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

  HangDetector hang_detector_;
  MpirunMessages messages_;
  std::map<std::string, std::string> paused_on_hosts_;
  int64_t step_ = 0;
  int64_t steps_ = 0;
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
