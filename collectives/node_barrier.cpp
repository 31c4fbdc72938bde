// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_barrier.hpp"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

#include "base/deadline.hpp"
#include "base/error.hpp"

namespace ringtrain::collectives {
namespace {

// Pauses of about 1 ms: as long as ranks with a core each usually wait for one another.
constexpr int kSpins = 40'000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// std::atomic::wait would use a private futex, which other processes do not wake.
void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  const timespec at_most = {.tv_sec = 0, .tv_nsec = 100'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, &at_most, nullptr, 0);
}

void futex_wake_all(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

NodeBarrier::NodeBarrier(State* state, int ranks, bool oversubscribed,
                         std::chrono::duration<double> timeout)
    : state_(state),
      ranks_(static_cast<uint32_t>(ranks)),
      spins_(oversubscribed ? 0 : kSpins),
      timeout_(timeout) {}

void NodeBarrier::wait() {
  const uint32_t generation = state_->generation.load();
  if (state_->arrived.fetch_add(1) + 1 == ranks_) {
    state_->arrived.store(0);
    state_->generation.fetch_add(1);
    if (state_->sleepers.load() > 0) futex_wake_all(state_->generation);
  } else {
    wait_for_change(generation);
  }
}

void NodeBarrier::wait_for_change(uint32_t generation) {
  for (int i = 0; i < spins_; ++i) {
    if (state_->generation.load(std::memory_order_acquire) != generation) return;
    pause();
  }
  const Deadline deadline(timeout_);
  state_->sleepers.fetch_add(1);
  while (state_->generation.load() == generation) {
    if (deadline.passed()) {
      throw lost_error(fmt::format(
          "only {} of the {} ranks of this node reached the barrier within {:g} s: one is stopped, "
          "dead or far behind",
          state_->arrived.load(), ranks_, timeout_.count()));
    }
    futex_wait(state_->generation, generation);
  }
  state_->sleepers.fetch_sub(1);
}

}  // namespace ringtrain::collectives
