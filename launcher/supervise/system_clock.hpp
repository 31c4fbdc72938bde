// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/clock.hpp"

namespace ringtrain::launcher {

// The machine's monotonic clock; requests to stop are signals to this process.
class SystemClock : public Clock {
 public:
  explicit SystemClock(StopSignals& stop) : stop_(stop) {}
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  int wait_for_stop(std::chrono::milliseconds time) override;

 private:
  StopSignals& stop_;
};

}  // namespace ringtrain::launcher
