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

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/flight_recorder.hpp"
#include "runtime/observe/trace.hpp"

namespace ringtrain {

// Runs a communicator's calls in the order in which they are handed over: on a communication thread
// of its own where that hides their time behind the backward pass (Communicator::overlaps), else at
// once on the caller's. That thread owns every MPI and NCCL call for as long as the exchange lives.
//
// The order of calls must be the same on every rank. One thread at a time calls the exchange. An
// error of the communicator is thrown by the next call that waits; after it the exchange is of no
// more use.
class Exchange {
 public:
  // Where they are given, `recorder` hears of every call and `trace` of its times; both must
  // outlive the exchange.
  explicit Exchange(Communicator& communicator, FlightRecorder* recorder = nullptr,
                    Trace* trace = nullptr);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  using Ticket = uint64_t;
  // Starts the sum of a bucket that the caller has written; wait(ticket) returns when it is done.
  Ticket reduce(Range bucket);
  // Where Communicator::written() has been called, or a recording has done so.
  Ticket reduce_written(Range bucket);
  void wait(Ticket ticket);

  // As Communicator's, after everything handed over before.
  void sum(std::span<double> values);
  void sum_over_shares(std::span<double> values);
  void publish(std::span<const Range> buckets);
  void spread_parameters();

  // Seconds that callers have spent in waiting: the communication that nothing hid.
  double exposed_seconds() const { return exposed_seconds_; }

 private:
  // operation: a string literal.
  Ticket hand_over(const char* operation, size_t bytes, std::function<void()> call);
  void carry_out(Ticket ticket, const char* operation, size_t bytes,
                 const std::function<void()>& call);
  void run();

  Communicator& communicator_;
  FlightRecorder* recorder_;
  Trace* trace_;
  Trace::Track track_;  // where calls are carried out
  double exposed_seconds_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  Ticket handed_over_ = 0;
  Ticket done_ = 0;
  std::exception_ptr error_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ringtrain
