// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <variant>

#include "launcher/process.hpp"
#include "launcher/progress.hpp"

namespace ringtrain::launcher {
namespace {

void write_line(int descriptor, const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(descriptor, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    done += static_cast<std::size_t>(size);
  }
}

// The signals that mean "stop", as a descriptor to poll, for as long as the object lives.
class StopSignals {
 public:
  StopSignals() {
    sigset_t stop;
    sigemptyset(&stop);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&stop, signal);
    if (::sigprocmask(SIG_BLOCK, &stop, &before_) != 0) throw std::runtime_error("sigprocmask");
    descriptor_ = FileDescriptor(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor_.is_open()) {
      throw std::runtime_error(fmt::format("signalfd: {}", std::strerror(errno)));
    }
    // A closed terminal or pipe must not end us before the ranks have ended.
    before_pipe_ = ::signal(SIGPIPE, SIG_IGN);
  }
  ~StopSignals() {
    ::signal(SIGPIPE, before_pipe_);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int descriptor() const { return descriptor_.get(); }
  // The next one, or 0.
  int take() {
    signalfd_siginfo info{};
    return ::read(descriptor_.get(), &info, sizeof info) == sizeof info
               ? static_cast<int>(info.ssi_signo)
               : 0;
  }

 private:
  sigset_t before_{};
  FileDescriptor descriptor_;
  void (*before_pipe_)(int) = SIG_DFL;
};

class Supervision {
 public:
  Supervision(bool keep_stdout, bool relay_events)
      : keep_stdout_(keep_stdout),
        relay_events_(relay_events),
        progress_(STDERR_FILENO, ::isatty(STDERR_FILENO) == 1) {}

  Outcome run(const MpirunCommand& command) {
    StopSignals stop;  // before the start: a signal in between must not leave ranks behind
    Process process(command.arguments, command.environment);
    watch(process, stop);
    const ExitStatus status = process.wait();
    drain(process.standard_output(), output_lines_, take_output_);
    drain(process.standard_error(), error_lines_, take_error_);
    output_lines_.finish(take_output_);
    error_lines_.finish(take_error_);
    for (const std::string& line : messages_.finish()) progress_.line(line);
    progress_.clear();
    return outcome(status);
  }

 private:
  void watch(Process& process, StopSignals& stop) {
    for (;;) {
      FileDescriptor& out = process.standard_output();
      FileDescriptor& err = process.standard_error();
      std::array<pollfd, 4> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                                   pollfd{process.ended(), POLLIN, 0},
                                   pollfd{stop.descriptor(), POLLIN, 0}};
      if (::poll(events.data(), events.size(), -1) < 0) {
        if (errno == EINTR) continue;
        throw std::runtime_error(fmt::format("poll: {}", std::strerror(errno)));
      }
      if (events[0].revents != 0) read_some(out, output_lines_, take_output_);
      if (events[1].revents != 0) read_some(err, error_lines_, take_error_);
      if (events[3].revents != 0) {
        while (const int signal = stop.take()) on_stop(process, signal);
      }
      if (events[2].revents != 0) return;
    }
  }

  void on_stop(Process& process, int signal) {
    if (stopped_by_ != 0) {
      process.kill();
      return;
    }
    stopped_by_ = signal;
    // mpirun takes each of them for the order to end all ranks, here and elsewhere.
    process.send(SIGTERM);
    progress_.line(signal == SIGINT ? "stopping the ranks; Ctrl-C again kills them at once"
                                    : "stopping the ranks");
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
      if (keep_stdout_) {
        progress_.line(line);
      } else {
        progress_.clear();
        write_line(STDOUT_FILENO, line);
      }
      return;
    }
    if (relay_events_) relay(line, *event);
    if (const auto* started = std::get_if<StartedEvent>(&*event)) {
      show_placement(*started);
    } else if (const auto* step = std::get_if<StepEvent>(&*event)) {
      progress_.show(*step, Progress::Clock::now());
    } else if (const auto* epoch = std::get_if<EpochEvent>(&*event)) {
      progress_.show(*epoch);
    } else if (const auto* log = std::get_if<LogEvent>(&*event)) {
      progress_.line(log->level == "info" ? log->message : log->level + ": " + log->message);
    } else if (const auto* result = std::get_if<ResultEvent>(&*event)) {
      result_ = result->result;
    } else if (const auto* failure = std::get_if<FailureEvent>(&*event)) {
      if (!failure_) failure_ = *failure;
    }
  }

  void relay(const std::string& line, const Event& event) {
    using std::chrono::steady_clock;
    const auto now = steady_clock::now();
    if (std::holds_alternative<StepEvent>(event)) {
      if (now - step_relayed_ < std::chrono::seconds(1)) return;
      step_relayed_ = now;
      if (!started_line_.empty() && now - started_relayed_ > std::chrono::minutes(10)) {
        started_relayed_ = now;
        write_line(STDOUT_FILENO, started_line_);
      }
    } else if (std::holds_alternative<StartedEvent>(event)) {
      started_relayed_ = now;
      started_line_ = line;
    }
    write_line(STDOUT_FILENO, line);
  }

  // "2 ranks: 0 and 1 on node1 (cpu)", a line for every host.
  void show_placement(const StartedEvent& started) {
    std::vector<std::pair<std::string, std::string>> hosts;
    for (const auto& rank : started.placement) {
      if (!rank.is_object()) continue;
      const std::string host = rank.value("host", "?");
      const std::string text =
          fmt::format("{} ({})", rank.value("rank", int64_t{0}), rank.value("device", "?"));
      if (hosts.empty() || hosts.back().first != host) {
        hosts.emplace_back(host, text);
      } else {
        hosts.back().second += ", " + text;
      }
    }
    for (const auto& [host, ranks] : hosts) {
      progress_.line(fmt::format("on {}: rank {}", host, ranks));
    }
    progress_.line(fmt::format("training {} steps, {} epochs, {} ranks",
                               print_count(static_cast<double>(started.steps)), started.epochs,
                               started.world_size));
  }

  void on_error(const std::string& line) {
    for (const std::string& shown : messages_.feed(line)) progress_.line(shown);
  }

  Outcome outcome(const ExitStatus& status) {
    if (stopped_by_ != 0 && !(status.success() && result_)) {
      return {128 + stopped_by_,
              fmt::format("stopped by signal {} ({})", stopped_by_, ::strsignal(stopped_by_)),
              {}};
    }
    if (status.success() && result_ && !failure_) return {0, "", std::move(result_)};

    const bool by_input = failure_ && (failure_->exit_code == 2 || failure_->exit_code == 3);
    if (by_input) return {failure_->exit_code, failure_->message, {}};
    // A rank that was killed explains why others lost it, not the other way round.
    if (messages_.lost_rank()) {
      std::string cause = *messages_.lost_rank();
      if (cause.find("signal 9") != std::string::npos) {
        cause += ": by hand, or because memory ran out (see dmesg)";
      }
      return {4, cause, {}};
    }
    if (failure_) {
      return {4,
              fmt::format("rank {} on {}: {}", failure_->rank, failure_->host, failure_->message),
              {}};
    }
    for (const std::string& line : messages_.kept()) progress_.line(line);
    if (status.signal != 0) {
      return {4,
              fmt::format("mpirun was ended by signal {} ({})", status.signal,
                          ::strsignal(status.signal)),
              {}};
    }
    if (status.success()) return {4, "the ranks ended without a result", {}};
    return {4,
            fmt::format("mpirun ended with exit code {}: the lines above say more", status.code),
            {}};
  }

  const bool keep_stdout_;
  const bool relay_events_;
  std::string started_line_;
  std::chrono::steady_clock::time_point started_relayed_;
  std::chrono::steady_clock::time_point step_relayed_;
  Progress progress_;
  Lines output_lines_;
  Lines error_lines_;
  MpirunMessages messages_;
  const Lines::Take take_output_ = [this](const std::string& line) { on_output(line); };
  const Lines::Take take_error_ = [this](const std::string& line) { on_error(line); };
  std::optional<nlohmann::ordered_json> result_;
  std::optional<FailureEvent> failure_;
  int stopped_by_ = 0;
};

}  // namespace

Outcome supervise(const MpirunCommand& command, bool keep_stdout, bool relay_events) {
  return Supervision(keep_stdout, relay_events).run(command);
}

}  // namespace ringtrain::launcher
