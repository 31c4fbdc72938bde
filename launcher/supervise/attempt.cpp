// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/attempt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <stdexcept>
#include <variant>

#include "base/text.hpp"
#include "job/event_lines.hpp"
#include "launcher/process/process.hpp"
#include "launcher/process/stopped_ranks.hpp"
#include "launcher/supervise/event_relay.hpp"
#include "launcher/supervise/hang_detector.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::chrono::milliseconds between_looks(200);
// A cluster gives 30 s from SIGTERM to SIGKILL; a checkpoint has most of them.
constexpr seconds for_a_last_checkpoint(22);
constexpr seconds between_requests(1);
constexpr seconds after_failure(3);  // in which mpirun ends the other ranks by itself
constexpr seconds after_result(20);

class Attempt {
 public:
  Attempt(const MpirunCommand& command, const AttemptOptions& options, Progress& progress,
          StopSignals& stop)
      : options_(options),
        progress_(progress),
        stop_(stop),
        process_(command.arguments, command.environment),
        patience_(Clock::now(), options.start_timeout) {}

  AttemptEnd run() {
    watch();
    const ExitStatus status = process_.wait();
    drain(process_.standard_output(), output_lines_, take_output_);
    drain(process_.standard_error(), error_lines_, take_error_);
    output_lines_.finish(take_output_);
    error_lines_.finish(take_error_);
    for (const std::string& line : messages_.finish()) progress_.line(line);
    progress_.clear();
    return end_of(status);
  }

 private:
  void watch() {
    for (;;) {
      FileDescriptor& out = process_.standard_output();
      FileDescriptor& err = process_.standard_error();
      std::array<pollfd, 4> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                                   pollfd{process_.ended(), POLLIN, 0},
                                   pollfd{stop_.descriptor(), POLLIN, 0}};
      const int ready = ::poll(events.data(), events.size(), between_looks.count());
      if (ready < 0) {
        if (errno == EINTR) continue;
        throw std::runtime_error(fmt::format("poll: {}", std::strerror(errno)));
      }
      if (events[0].revents != 0) read_some(out, output_lines_, take_output_);
      if (events[1].revents != 0) read_some(err, error_lines_, take_error_);
      if (events[3].revents != 0) {
        while (const int signal = stop_.take()) on_stop(signal);
      }
      if (events[2].revents != 0) return;
      // What was said in time counts, though we may have been too busy, or paused, to hear it.
      const bool heard_all = events[0].revents == 0;
      look_at_the_clock(heard_all);
    }
  }

  void on_stop(int signal) {
    if (stopped_by_ != 0) {
      process_.kill();
      return;
    }
    stopped_by_ = signal;
    progress_.line(signal == SIGINT
                       ? "stopping, with a checkpoint; Ctrl-C again ends the ranks at once"
                       : "stopping, with a checkpoint");
    ask_to_end();
  }

  // mpirun takes SIGTERM for the order to kill all ranks within a second; SIGUSR2 it passes on.
  void ask_to_end() {
    if (asked_at_) return;
    process_.send(SIGUSR2);
    asked_at_ = Clock::now();
    kill_after(for_a_last_checkpoint);
  }

  void kill_after(Clock::duration wait) {
    const auto at = Clock::now() + wait;
    if (!kill_at_ || at < *kill_at_) kill_at_ = at;
  }

  void look_at_the_clock(bool heard_all) {
    const auto now = Clock::now();
    if (kill_at_ && now >= *kill_at_) {
      process_.kill();
      return;
    }
    // Again and again: ranks may just have been starting, and have heard nothing.
    if (asked_at_ && now - *asked_at_ >= between_requests) {
      process_.send(SIGUSR2);
      asked_at_ = now;
    }
    if (asked_at_ || lost_) return;
    if (heard_all && now >= patience_.deadline()) {
      const auto silence = std::chrono::duration<double>(now - patience_.heard());
      std::string paused = stopped_ranks(process_.subreaper());
      for (const auto& [host, text] : paused_) {
        if (!text.empty()) paused += fmt::format("{} on {}", text, host);
      }
      end_because(fmt::format("the ranks hang: nothing was heard for {}{}",
                              print_seconds(silence.count()), paused));
      return;
    }
    if (!release_) release_ = options_.release();
  }

  void end_because(const std::string& cause) {
    if (!lost_) lost_ = cause;
    process_.kill();
  }

  static bool read_some(FileDescriptor& from, Lines& lines, const Lines::Take& take) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0) lines.feed({buffer.data(), static_cast<std::size_t>(size)}, take);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) from.close();
    return size > 0;
  }

  // What is still in the pipe after everybody has gone.
  static void drain(FileDescriptor& from, Lines& lines, const Lines::Take& take) {
    if (!from.is_open()) return;
    ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
    while (from.is_open() && read_some(from, lines, take)) {
    }
  }

  void on_output(const std::string& line) {
    const auto event = parse_event(line);
    if (!event) {
      if (options_.keep_stdout) {
        progress_.line(line);
      } else {
        progress_.clear();
        write_line(STDOUT_FILENO, line);
      }
      return;
    }
    options_.on_event(*event, line);
    std::visit([this](const auto& what) { on(what); }, *event);
  }

  void on(const StartedEvent& started) {
    steps_ = started.steps;
    step_ = started.from_step;
    patience_.started(step_, Clock::now());
    for (const std::string& line : started_lines(started)) progress_.line(line);
  }
  void on(const StepEvent& step) {
    step_ = step.step;
    steps_ = step.steps;
    patience_.step(step.step, Clock::now());
    progress_.show(step, Clock::now());
  }
  void on(const EpochEvent& epoch) {
    step_ = epoch.step;
    patience_.step(epoch.step, Clock::now());
    progress_.show(epoch);
    if (epoch.step >= steps_ || epoch.epoch + 1 == epoch.epochs) patience_.saving(Clock::now());
    if (release_) ask_to_release();
  }
  void on(const CheckpointEvent& checkpoint) {
    // Of quick steps it may be the first that is told of.
    if (checkpoint.step > step_) {
      step_ = checkpoint.step;
      patience_.step(step_, Clock::now());
    }
    progress_.line(
        fmt::format("checkpoint of step {}", print_count(static_cast<double>(checkpoint.step))));
    if (release_) ask_to_release();
  }
  void on(const StoppedEvent& stopped) {
    step_ = stopped.step;
    ended_as_told_ = true;
    if (stopped.saved) saved_at_ = stopped.step;
  }
  void on(const EvaluatingEvent& evaluating) {
    patience_.evaluation(evaluating.batches, Clock::now());
  }
  void on(const LostHostEvent& host) {
    if (result_ || asked_at_) return;
    end_because(fmt::format("the connection to {} was lost", host.host));
  }
  void on(const PausedEvent& paused) { paused_[paused.host] = paused.text; }
  void on(const LogEvent& log) {
    progress_.line(log.level == "info" ? log.message : log.level + ": " + log.message);
  }
  void on(const ResultEvent& result) {
    result_ = result.result;
    kill_after(after_result);
  }
  void on(const FailureEvent& failure) {
    if (!failure_) failure_ = failure;
    kill_after(after_failure);
  }

  void ask_to_release() {
    if (stopped_by_ != 0 || lost_ || result_) return;
    released_ = true;
    ask_to_end();
  }

  void on_error(const std::string& line) {
    if (lost_) return;  // about what we have done
    for (const std::string& shown : messages_.feed(line)) progress_.line(shown);
    if (messages_.lost_rank()) kill_after(after_failure);
  }

  std::string at_step() const {
    if (steps_ == 0) return ", before the first step";
    return fmt::format(", after step {} of {}", print_count(static_cast<double>(step_)),
                       print_count(static_cast<double>(steps_)));
  }

  AttemptEnd end_of(const ExitStatus& status) {
    using Kind = AttemptEnd::Kind;
    // The result comes last, with everything on the disk: what is lost after it does not matter.
    if (result_ && !failure_) return {Kind::finished, 0, "", std::move(result_)};
    if (stopped_by_ != 0) {
      std::string cause =
          fmt::format("stopped by signal {} ({})", stopped_by_, ::strsignal(stopped_by_));
      if (saved_at_) {
        cause += fmt::format("; the same command goes on from step {}",
                             print_count(static_cast<double>(*saved_at_)));
      }
      return {Kind::stopped, 128 + stopped_by_, cause, {}};
    }
    if (failure_ && !failure_->again) {
      const bool input = failure_->exit_code == 2 || failure_->exit_code == 3;
      return {Kind::refused, input ? failure_->exit_code : 4, told(), {}};
    }
    if (released_) return {Kind::released, 0, "", {}};
    if (lost_) return {Kind::lost, 4, *lost_ + at_step(), {}};
    // A rank that was killed explains why others lost it, not the other way round.
    if (messages_.lost_rank()) {
      std::string cause = *messages_.lost_rank() + at_step();
      if (cause.find("signal 9") != std::string::npos) {
        cause += ": by hand, or because memory ran out (see dmesg)";
      }
      return {Kind::lost, 4, cause, {}};
    }
    if (failure_) return {Kind::lost, 4, told(), {}};
    if (ended_as_told_)
      return {Kind::lost, 4, "the ranks were told to end by others" + at_step(), {}};
    for (const std::string& line : messages_.kept()) progress_.line(line);
    if (status.signal != 0) {
      return {Kind::lost,
              4,
              fmt::format("mpirun was ended by signal {} ({}){}", status.signal,
                          ::strsignal(status.signal), at_step()),
              {}};
    }
    if (status.success()) return {Kind::lost, 4, "the ranks ended without a result", {}};
    return {Kind::lost,
            4,
            fmt::format("mpirun ended with exit code {}{}: the lines above say more", status.code,
                        at_step()),
            {}};
  }

  std::string told() const {
    if (failure_->exit_code == 2 || failure_->exit_code == 3) return failure_->message;
    return fmt::format("rank {} on {}: {}", failure_->rank, failure_->host, failure_->message);
  }

  const AttemptOptions& options_;
  Progress& progress_;
  StopSignals& stop_;
  Process process_;
  Patience patience_;
  Lines output_lines_;
  Lines error_lines_;
  MpirunMessages messages_;
  const Lines::Take take_output_ = [this](const std::string& line) { on_output(line); };
  const Lines::Take take_error_ = [this](const std::string& line) { on_error(line); };
  std::map<std::string, std::string> paused_;  // by host
  std::optional<nlohmann::ordered_json> result_;
  std::optional<FailureEvent> failure_;
  std::optional<std::string> lost_;  // why we ended the ranks
  bool ended_as_told_ = false;
  std::optional<int64_t> saved_at_;  // the step of the checkpoint that they left then
  std::optional<Clock::time_point> asked_at_;
  std::optional<Clock::time_point> kill_at_;
  int64_t step_ = 0;
  int64_t steps_ = 0;
  bool release_ = false;   // at the next checkpoint or epoch
  bool released_ = false;  // they were asked
  int stopped_by_ = 0;
};

}  // namespace

AttemptEnd attempt(const MpirunCommand& command, const AttemptOptions& options, Progress& progress,
                   StopSignals& stop) {
  return Attempt(command, options, progress, stop).run();
}

}  // namespace ringtrain::launcher
