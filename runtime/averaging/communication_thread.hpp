// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "runtime/comm/collectives.hpp"
#include "runtime/observe/flight_recorder.hpp"
#include "runtime/observe/trace.hpp"

namespace ringtrain {

// Runs collectives in the order of the calls: on a thread of its own if that hides their time
// behind the backward pass (Collectives::overlaps), else at once on the caller's. The thread owns
// every MPI and NCCL call for as long as this object lives. All calls are recorded for traces and
// post-mortems.
//
// Requires: all ranks make the same calls in the same order.
// Thread: one thread at a time.
// Errors: an error of the collectives is thrown by the next call that waits. After it the object is
// of no more use.
class CommunicationThread {
 public:
  using Ticket = uint64_t;

  // recorder, trace: null for none. All must outlive this object.
  explicit CommunicationThread(Collectives& collectives, FlightRecorder* recorder = nullptr,
                               Trace* trace = nullptr);
  ~CommunicationThread();
  CommunicationThread(const CommunicationThread&) = delete;
  CommunicationThread& operator=(const CommunicationThread&) = delete;

  Collectives& collectives() { return collectives_; }
  const Collectives& collectives() const { return collectives_; }

  // Starts the sum of buckets that are marked as written. The array must stay until wait(ticket).
  Ticket reduce_scatter(std::span<const Range> buckets);
  // Blocks until the call is complete.
  void wait(Ticket ticket);

  // Sums this rank's share of a bucket in shared memory. Requires: shared_slabs(), and all_reduce()
  // or barrier() after the bucket was written.
  void reduce_shared(Range bucket);

  // As the collectives of these names, after all earlier calls.
  void all_reduce(std::span<double> values, Over over = Over::ranks);
  void all_gather(std::span<const Range> buckets);
  void broadcast();
  void barrier();

  // Seconds that callers have spent in waiting: the communication that nothing hid.
  double exposed_seconds() const { return exposed_seconds_; }

 private:
  // A call and its entry in records. operation: a literal.
  struct Call {
    const char* operation;
    size_t bytes;
    std::function<void()> run;
  };
  Ticket start(Call call);
  void run_recorded(Ticket ticket, const Call& call);
  void run();

  Collectives& collectives_;
  FlightRecorder* recorder_;
  Trace* trace_;
  Trace::Track track_;  // of the thread that runs the calls
  double exposed_seconds_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  Ticket started_ = 0;
  Ticket done_ = 0;
  std::exception_ptr error_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ringtrain
