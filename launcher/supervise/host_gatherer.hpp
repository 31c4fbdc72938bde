// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/host_check.hpp"
#include "launcher/supervise/host_source.hpp"
#include "launcher/terminal/progress.hpp"

namespace ringtrain::launcher {

// How many ranks a run may have.
struct RankRange {
  int started = 0;  // as it was first asked for
  WorkersSpec workers;

  int least() const { return workers.min > 0 ? workers.min : started; }
  // On hosts with so many slots.
  int most(int slots) const;
};

// The hosts to start ranks on.
struct Gathered {
  std::vector<Host> hosts;  // with the slots that are used; empty: too few answer
  std::string cause;        // why, then
  int stopped_by = 0;       // a signal came meanwhile
};

// Waits until the hosts of as many ranks as can be answer. With enough for the fewest ranks it does
// not wait longer than `patience` for the others; nor longer than `timeout` for those.
Gathered gather_hosts(HostSource& source, const RankRange& range, std::chrono::seconds patience,
                      std::chrono::seconds timeout, Progress& progress, StopSignals& stop);

// Looks now and then whether more ranks could run than do. It does not block, but for a discovery
// script.
class Growth {
 public:
  Growth(HostSource& source, const RankRange& range, std::vector<Host> in_use, Progress& progress)
      : source_(source), range_(range), in_use_(std::move(in_use)), progress_(progress) {}
  bool is_possible();

 private:
  using Clock = std::chrono::steady_clock;
  HostSource& source_;
  const RankRange& range_;
  std::vector<Host> in_use_;
  Progress& progress_;
  Clock::time_point next_look_ = Clock::now();
  std::unique_ptr<HostCheck> check_;
};

// Waits, and returns the signal that cut it short, or 0.
int wait_for_signal(StopSignals& stop, std::chrono::milliseconds time);

}  // namespace ringtrain::launcher
