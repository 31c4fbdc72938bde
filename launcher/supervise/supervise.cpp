// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/supervise.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "launcher/mpi/placement.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/attempt.hpp"
#include "launcher/supervise/event_relay.hpp"
#include "launcher/supervise/host_gatherer.hpp"
#include "launcher/supervise/recovery.hpp"
#include "launcher/terminal/progress.hpp"

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;

// Hosts that are lost often come back, but what works without them needs not wait long.
constexpr std::chrono::seconds for_lost_hosts(5);

Outcome stopped(int signal) {
  return {128 + signal, fmt::format("stopped by signal {} ({})", signal, ::strsignal(signal)), {}};
}

// Before the second restart without progress and those after it.
std::chrono::milliseconds pause_before(int restart) {
  if (restart <= 1) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(500) * (1 << std::min(restart - 1, 5));
}

class Supervisor {
 public:
  explicit Supervisor(Supervision supervision)
      : run_(std::move(supervision)),
        progress_(STDERR_FILENO, ::isatty(STDERR_FILENO) == 1),
        recovery_(run_.batch_size) {
    range_.workers = run_.workers;
    const int slots = total_slots(run_.hosts.hosts());
    range_.started = run_.ranks > 0                 ? run_.ranks
                     : run_.hosts.is_this_machine() ? 1
                                                    : std::max(1, slots);
  }

  Outcome run() {
    int restart = 0;  // without progress
    for (bool again = false;; again = true) {
      const Gathered gathered = hosts(again);
      if (gathered.stopped_by != 0) return stopped(gathered.stopped_by);
      if (gathered.hosts.empty()) return {4, because(gathered.cause), {}};
      AttemptEnd end = train_on(gathered.hosts);
      switch (end.kind) {
        case AttemptEnd::Kind::finished:
          if (const auto summary = recovery_.summary()) add_to_result(*summary, *end.result);
          return {0, "", std::move(end.result)};
        case AttemptEnd::Kind::stopped:
        case AttemptEnd::Kind::refused:
          return {end.exit_code, end.cause, {}};
        case AttemptEnd::Kind::released:
          break;
        case AttemptEnd::Kind::lost:
          last_cause_ = end.cause;
          if (recovery_.lost(end.cause, Clock::now())) restart = 0;
          if (restart == run_.restarts) return {4, because(""), {}};
          ++restart;
          progress_.line(fmt::format("lost: {}; starting again from {} (restart {} of {})",
                                     end.cause, newest(), restart, run_.restarts));
          if (const int signal = wait_for_signal(stop_, pause_before(restart))) {
            return stopped(signal);
          }
      }
    }
  }

 private:
  Gathered hosts(bool again) {
    if (run_.hosts.is_this_machine()) return {{{"localhost", range_.started}}, "", 0};
    return gather_hosts(run_.hosts, range_, again ? for_lost_hosts : run_.host_timeout,
                        run_.host_timeout, progress_, stop_);
  }

  AttemptEnd train_on(const std::vector<Host>& hosts) {
    const RankLayout layout = lay_out_on(hosts);
    const TemporaryHostfile hostfile(layout.hosts);
    Growth growth(run_.hosts, range_, layout.hosts, progress_);
    AttemptOptions options;
    options.keep_stdout = run_.keep_stdout;
    options.start_timeout = run_.start_timeout;
    options.on_event = [this](const Event& event, const std::string& line) {
      if (run_.relay_events) relay_.pass_on(line, event);
      if (const auto told = recovery_.on_event(event, Clock::now())) progress_.line(*told);
    };
    options.release = [&growth] { return growth.is_possible(); };
    return attempt(run_.command(layout, hostfile.path(), recovery_.has_saved()), options, progress_,
                   stop_);
  }

  std::string newest() const {
    return recovery_.has_saved() ? "the newest checkpoint" : "where it began";
  }

  // The first cause in the words of the last loss, where there was one.
  std::string because(const std::string& cause) const {
    std::string text = last_cause_;
    if (!cause.empty()) text += (text.empty() ? "" : "; then ") + cause;
    if (cause.empty() && run_.restarts > 0) {
      text += fmt::format("; {} restarts in a row made no progress", run_.restarts);
    }
    return text;
  }

  Supervision run_;
  StopSignals stop_;  // before any start: a signal in between must not leave ranks behind
  Progress progress_;
  EventRelay relay_{STDOUT_FILENO};
  Recovery recovery_;
  RankRange range_;
  std::string last_cause_;
};

}  // namespace

Outcome supervise(Supervision supervision) { return Supervisor(std::move(supervision)).run(); }

}  // namespace ringtrain::launcher
