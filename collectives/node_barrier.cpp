// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_barrier.hpp"

#include <fmt/format.h>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "collectives/signal.hpp"

namespace ringtrain::collectives {

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
