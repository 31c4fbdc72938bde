// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ringtrain {

// A barrier of the ranks of one node, in memory that they share; far quicker than MPI_Barrier, and
// it does not starve anybody where ranks outnumber cores: a waiter spins for a moment (not at all
// when `oversubscribed`), then sleeps on a futex.
//
// What a rank wrote before wait() is visible to all the others after it. One thread a rank at a
// time.
class NodeBarrier {
 public:
  struct alignas(64) State {  // all zero at first; lives in the shared memory
    std::atomic<uint32_t> arrived;
    alignas(64) std::atomic<uint32_t> generation;
    std::atomic<uint32_t> sleepers;
  };

  NodeBarrier(State* state, int ranks, bool oversubscribed, std::chrono::duration<double> timeout);

  // Throws a lost error when the others have not all arrived within the timeout.
  void wait();

 private:
  void wait_for_change(uint32_t generation);

  State* state_;
  uint32_t ranks_;
  int spins_;
  std::chrono::duration<double> timeout_;
};

}  // namespace ringtrain
