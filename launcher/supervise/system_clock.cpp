// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/system_clock.hpp"

#include <array>

#include "base/deadline.hpp"

namespace ringtrain::launcher {

int SystemClock::wait_for_stop(std::chrono::milliseconds time) {
  const Deadline deadline(time);
  std::array<pollfd, 1> events{pollfd{stop_.descriptor(), POLLIN, 0}};
  return poll_until(events, deadline) ? stop_.take() : 0;
}

}  // namespace ringtrain::launcher
