// SPDX-License-Identifier: Apache-2.0
#include "base/deadline.hpp"

#include <cerrno>

#include "base/file_descriptor.hpp"

namespace ringtrain {

bool poll_until(std::span<pollfd> events, const Deadline& deadline) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);  // poll() takes an int
  for (;;) {
    const auto left = std::min(deadline.left(), kLongest);
    const int ready = ::poll(events.data(), events.size(), static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) checked(ready, "poll");
    if (deadline.passed()) return false;
  }
}

}  // namespace ringtrain
