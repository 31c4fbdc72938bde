// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "job/job_spec.hpp"
#include "launcher/supervise/clock.hpp"
#include "launcher/supervise/host_source.hpp"
#include "launcher/supervise/ranks.hpp"
#include "launcher/supervise/run_observer.hpp"

namespace ringtrain::launcher {

// Numbers of ranks that a run may have.
struct RankRange {
  int started = 0;  // as first asked for
  WorkersSpec workers = {};

  int least() const { return workers.min > 0 ? workers.min : started; }
  // On hosts with so many slots.
  int most(int slots) const;
};

// Hosts to start ranks on.
struct GatheredHosts {
  std::vector<Host> hosts = {};  // with the slots that are used; empty: too few answer
  std::string cause = {};        // why, then
  int stop_signal = 0;           // of a request to stop that came meanwhile
};

// Finds the hosts of a run that answer.
class HostGatherer {
 public:
  HostGatherer(HostSource& source, const RankRange& range, RankStarter& starter, Clock& clock,
               RunObserver& observer)
      : source_(source), range_(range), starter_(starter), clock_(clock), observer_(observer) {}

  // Waits until the hosts of as many ranks as possible answer. With enough for the fewest ranks it
  // waits no longer than `patience` for the others; for those no longer than `timeout`.
  GatheredHosts gather(std::chrono::seconds patience, std::chrono::seconds timeout);

  // Checks now and then whether more ranks could run than on these hosts. Blocks for a discovery
  // script alone.
  bool can_grow(const std::vector<Host>& in_use);

 private:
  void look();
  void report(const std::map<std::string, std::string>& problems, int slots, int wanted);

  HostSource& source_;
  const RankRange& range_;
  RankStarter& starter_;
  Clock& clock_;
  RunObserver& observer_;
  std::map<std::string, std::string> reported_;  // problems, by host
  bool reported_slots_ = false;
  Clock::TimePoint next_look_{};
  std::unique_ptr<HostCheck> check_;  // of can_grow()
};

}  // namespace ringtrain::launcher
