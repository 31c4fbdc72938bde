// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "job/flight_file.hpp"

namespace ringtrain {

// The last collective calls of this rank, written to a file when something hangs, so that one can
// see which rank did not come, and to what. Calls have the same numbers on every rank, as their
// order is the same.
//
// job/flight_file.hpp holds the file's format. Any thread may call.
class FlightRecorder {
 public:
  static constexpr size_t kCalls = 256;

  // file: written when needed, removed now if it is there from before. A thread of this object
  // writes it when no call has ended for nine tenths of the timeout after which the waiting ranks
  // give up: so ranks that are busy with something else leave theirs, too.
  FlightRecorder(std::filesystem::path file, int rank, int world_size,
                 std::chrono::duration<double> timeout);
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  // Sequence numbers count from 1.
  void queued(uint64_t sequence, const char* operation, size_t bytes);
  void started(uint64_t sequence);
  void ended(uint64_t sequence);
  // Also writes the file. Gives ": what this rank did last is in FILE", or nothing where it could
  // not be written.
  std::string failed(uint64_t sequence);

 private:
  using Clock = std::chrono::system_clock;  // the same on all hosts, more or less

  static double now();
  FlightCall& call(uint64_t sequence) { return calls_[sequence % kCalls]; }
  bool write(const std::string& reason);  // with mutex_ held
  void watch();

  std::filesystem::path file_;
  int rank_;
  int world_size_;
  std::chrono::duration<double> timeout_;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  std::vector<FlightCall> calls_{kCalls};
  double last_end_ = now();
  bool stop_ = false;
  bool written_ = false;  // by the watcher
  bool failed_ = false;
  std::thread watcher_;  // last: it uses all of the above
};

}  // namespace ringtrain
