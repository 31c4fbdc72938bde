// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ringtrain::collectives {

// A barrier of the ranks of one node in memory that they share; much faster than MPI_Barrier, and
// it starves nobody where ranks outnumber cores: a rank spins for about 1 ms (not at all when
// `oversubscribed`), then sleeps on a futex.
//
// Memory that a rank wrote before wait() is visible to all the others after it.
//
// Thread: one thread of a rank at a time.
class NodeBarrier {
 public:
  // Lives in the shared memory; all zero at first.
  struct alignas(64) State {
    std::atomic<uint32_t> arrived;
    alignas(64) std::atomic<uint32_t> generation;
    std::atomic<uint32_t> sleepers;
  };

  NodeBarrier(State* state, int ranks, bool oversubscribed, std::chrono::duration<double> timeout);

  // Blocks until all ranks have called it. Throws a lost error at the timeout; after that the
  // barrier is of no more use.
  void wait();

 private:
  void wait_for_change(uint32_t generation);

  State* state_;
  uint32_t ranks_;
  int spins_;
  std::chrono::duration<double> timeout_;
};

}  // namespace ringtrain::collectives
