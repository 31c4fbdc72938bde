// SPDX-License-Identifier: Apache-2.0
#include "collectives/signal.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace ringtrain::collectives {

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  const timespec at_most = {.tv_sec = 0,
                            .tv_nsec = std::chrono::nanoseconds(kLongestSleep).count()};
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, &at_most, nullptr, 0);
}

void futex_wake_all(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace ringtrain::collectives
