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

Outcome outcome_of(AttemptEnd end) {
  return {end.exit_code, std::move(end.cause), std::move(end.result)};
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

  Outcome run() {
    int restart = 0;  // in a row without progress
    for (bool again = false;; again = true) {
      const GatheredHosts gathered = gather(again);
      if (gathered.stop_signal != 0) return stopped(gathered.stop_signal);
      if (gathered.hosts.empty()) return {.cause = cause_of_failure(gathered.cause)};
      AttemptEnd end = train_on(gathered.hosts);
      if (end.kind == AttemptEnd::Kind::finished) {
        if (const auto summary = recovery_.summary()) add_to_result(*summary, *end.result);
      }
      if (end.kind == AttemptEnd::Kind::released) continue;
      if (end.kind != AttemptEnd::Kind::lost) return outcome_of(std::move(end));

      last_loss_ = end.cause;
      if (recovery_.lost(end.cause, clock_.now())) restart = 0;
      if (restart == run_.restarts) return {.cause = cause_of_failure("")};
      ++restart;
      observer_.on_message(fmt::format("lost: {}; restarting from {} (restart {} of {})", end.cause,
                                       restart_point(), restart, run_.restarts));
      if (const int signal = clock_.wait_for_stop(pause_before(restart))) return stopped(signal);
    }
  }

 private:
  static int started_ranks(const Supervision& run) {
    if (run.ranks > 0) return run.ranks;
    return run.hosts.is_this_machine() ? 1 : std::max(1, total_slots(run.hosts.hosts()));
  }

  static Outcome stopped(int signal) { return outcome_of(AttemptEnd::stopped(signal, {})); }

  GatheredHosts gather(bool again) {
    if (hosts_.is_this_machine()) return {.hosts = {{"localhost", range_.started}}};
    return gatherer_.gather(again ? kForLostHosts : run_.host_timeout, run_.host_timeout);
  }

  AttemptEnd train_on(const std::vector<Host>& hosts) {
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
                    .can_grow = [&] { return gatherer_.can_grow(hosts); }},
                   clock_, observer_);
  }

  std::string restart_point() const {
    if (!recovery_.has_saved()) return "the start of this run";
    return fmt::format("the newest checkpoint (step {})",
                       print_count(static_cast<double>(recovery_.saved_step())));
  }

  // The last loss, if any, is the first cause.
  std::string cause_of_failure(const std::string& cause) const {
    std::string text = last_loss_;
    if (!cause.empty()) text += (text.empty() ? "" : "; then ") + cause;
    if (cause.empty() && run_.restarts > 0) {
      text += fmt::format("; {} restarts in a row made no progress", run_.restarts);
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
  std::string last_loss_;
};

}  // namespace

Outcome supervise(const Supervision& run, RankStarter& starter, Clock& clock,
                  RunObserver& observer) {
  return Supervisor(run, starter, clock, observer).run();
}

}  // namespace ringtrain::launcher
