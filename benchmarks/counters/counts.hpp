// SPDX-License-Identifier: Apache-2.0
// What a process has done so far, exactly: messages of MPI, allocations, page faults.
#pragma once

#include <cstdint>

namespace ringtrain::benchmarks {

struct Counts {
  int64_t messages = 0;       // sent by this rank, one for each call that starts one
  int64_t message_bytes = 0;  // of them
  int64_t gathers = 0;        // collective calls of MPI
  int64_t allocations = 0;    // by operator new; those inside MPI's C code are not ours
  int64_t page_faults = 0;    // without reading a disk

  Counts operator-(const Counts& before) const {
    return {messages - before.messages, message_bytes - before.message_bytes,
            gathers - before.gathers, allocations - before.allocations,
            page_faults - before.page_faults};
  }
};

Counts counts_now();

// For counting_mpi.cpp.
void count_message(int64_t bytes);
void count_gather();

}  // namespace ringtrain::benchmarks
