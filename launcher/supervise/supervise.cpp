// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/supervise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "launcher/supervise/attempt.hpp"
#include "launcher/supervise/host_gatherer.hpp"
#include "launcher/supervise/recovery.hpp"

namespace ringtrain::launcher {
namespace {

// Lost hosts often come back, but training that works without them need not wait long.
constexpr std::chrono::seconds kForLostHosts(5);

// The first restart without progress comes at once, the second after a second, then later and
// later.
std::chrono::milliseconds pause_before(int restart) {
  if (restart <= 1) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(500) * (1 << std::min(restart - 1, 5));
}

RunStatus status_of(AttemptEnd::Kind kind) {
  switch (kind) {
    case AttemptEnd::Kind::finished:
      return RunStatus::finished;
    case AttemptEnd::Kind::stopped:
      return RunStatus::cancelled;
    case AttemptEnd::Kind::refused:
      return RunStatus::failed;
    case AttemptEnd::Kind::released:
    case AttemptEnd::Kind::lost:
      break;
  }
  return RunStatus::lost;
}

class Supervisor {
 public:
  Supervisor(const Supervision& run, RankStarter& starter, Clock& clock, RunObserver& observer)
      : run_(run),
        starter_(starter),
        clock_(clock),
        observer_(observer),
        hosts_(run.hosts),
        range_{started_ranks(run), run.workers},
        gatherer_(hosts_, range_, starter, clock, observer),
        recovery_(run.batch_size) {}

  RunEnd run() {
    int restart = 0;  // in a row without progress
    for (bool again = false;; again = true) {
      const GatheredHosts gathered = gather(again);
      if (gathered.stop_signal != 0) return stopped(gathered.stop_signal);
      if (gathered.hosts.empty()) return lost(cause_of_failure(gathered.cause));
      AttemptEnd end = train_on(gathered.hosts);
      if (end.result) {
        if (const auto summary = recovery_.summary()) add_to_result(*summary, *end.result);
      }
      if (end.kind == AttemptEnd::Kind::released) continue;
      if (end.kind != AttemptEnd::Kind::lost) return end_of_run(std::move(end));

      last_loss_ = end;
      bool progress = recovery_.lost(end.cause, clock_.now());
      if (run_.script) progress = run_.script->has_progressed();
      if (progress) restart = 0;
      if (restart == run_.restarts) return lost(cause_of_failure(""));
      ++restart;
      observer_.on_message(fmt::format("lost: {}; restarting{} (restart {} of {})", end.cause,
                                       restart_point(), restart, run_.restarts));
      if (const int signal = clock_.wait_for_stop(pause_before(restart))) return stopped(signal);
    }
  }

 private:
  static int started_ranks(const Supervision& run) {
    if (run.ranks > 0) return run.ranks;
    return run.hosts.is_this_machine() ? 1 : std::max(1, total_slots(run.hosts.hosts()));
  }

  RunEnd end_of_run(AttemptEnd end) const {
    const bool stopped = end.kind == AttemptEnd::Kind::stopped;
    return {.outcome = {.status = status_of(end.kind),
                        .exit_code = end.exit_code,
                        .cause = std::move(end.cause),
                        .signal = stopped ? std::optional(end.exit_code - 128) : std::nullopt,
                        .rank = end.culprit.rank,
                        .host = std::move(end.culprit.host),
                        .attempts = attempts_},
            .result = std::move(end.result),
            .log = std::move(end.log)};
  }

  RunEnd stopped(int signal) const { return end_of_run(AttemptEnd::stopped(signal, {})); }
  RunEnd lost(std::string cause) const {
    AttemptEnd end = last_loss_;
    end.kind = AttemptEnd::Kind::lost;
    end.cause = std::move(cause);
    return end_of_run(std::move(end));
  }

  GatheredHosts gather(bool again) {
    if (hosts_.is_this_machine()) return {.hosts = {{"localhost", range_.started}}};
    return gatherer_.gather(again ? kForLostHosts : run_.host_timeout, run_.host_timeout);
  }

  AttemptEnd train_on(const std::vector<Host>& hosts) {
    ++attempts_;
    // A checkpoint saved before the loss is of this run, whatever the job says of earlier runs.
    const auto ranks = starter_.start(
        hosts, recovery_.has_saved() ? StartFrom::newest_checkpoint : StartFrom::job);
    const auto note = [&](const Event& event) {
      const auto recovered = recovery_.on_event(event, clock_.now());
      if (recovered) observer_.on_message(*recovered);
    };
    return attempt(*ranks,
                   {.start_timeout = run_.start_timeout,
                    .on_event = note,
                    .can_grow = [&] { return !run_.script && gatherer_.can_grow(hosts); },
                    .ranks = total_slots(hosts),
                    .script = run_.script ? &*run_.script : nullptr},
                   clock_, observer_);
  }

  std::string restart_point() const {
    if (run_.script) return "";
    if (!recovery_.has_saved()) return " from the start of this run";
    return fmt::format(" from the newest checkpoint (step {})",
                       print_count(static_cast<double>(recovery_.saved_step())));
  }

  // The last loss, if any, is the first cause.
  std::string cause_of_failure(const std::string& cause) const {
    std::string text = last_loss_.cause;
    if (!cause.empty()) text += (text.empty() ? "" : "; then ") + cause;
    if (cause.empty() && run_.restarts > 0) {
      text += fmt::format("; {} in a row made no progress", counted(run_.restarts, "restart"));
    }
    return text;
  }

  const Supervision& run_;
  RankStarter& starter_;
  Clock& clock_;
  RunObserver& observer_;
  HostSource hosts_;
  const RankRange range_;
  HostGatherer gatherer_;
  Recovery recovery_;
  AttemptEnd last_loss_;
  int attempts_ = 0;
};

}  // namespace

RunEnd supervise(const Supervision& run, RankStarter& starter, Clock& clock,
                 RunObserver& observer) {
  return Supervisor(run, starter, clock, observer).run();
}

}  // namespace ringtrain::launcher
