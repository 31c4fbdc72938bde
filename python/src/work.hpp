// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/Work.hpp>
#include <vector>

namespace ringtrain::python {

// Throws, as the exception that torch raises in Python for a failed collective, the exception that
// is being handled. Requires: one is.
[[noreturn]] void rethrow_for_torch();

// One call, until it has finished. Its future's value are the tensors that the call wrote.
class CallWork : public c10d::Work {
 public:
  CallWork(int rank, c10d::OpType operation, std::vector<at::Tensor> results);

  // Ends the call, with an error where one is given.
  void complete(std::exception_ptr error = nullptr);
  void complete_from(int source);

  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }
  std::vector<at::Tensor> result() override { return results_; }
  int sourceRank() const override { return source_; }

 private:
  std::vector<at::Tensor> results_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  int source_ = -1;
};

// Runs calls in the order in which they were made: on the caller's thread if it may wait, else on
// one thread of the queue, which starts with the first call that needs it. A call that is made in
// a callback of another's future runs there at once: its result may be waited for.
//
// Thread: any. The destructor stops the queue and waits for the call that runs.
class CallQueue {
 public:
  CallQueue() = default;
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  struct Entry {
    c10::intrusive_ptr<CallWork> work;  // completed once the call has returned or thrown
    std::function<void()> call;
  };

  // Returns when the call has finished where `may_wait` and nothing is before it. Throws where the
  // queue was stopped.
  void run(bool may_wait, Entry entry);

  // Fails all calls that have not begun.
  void stop();

  // Returns whether the caller is in a callback of one of the queue's calls.
  bool runs_here();

 private:
  static void finish(const Entry& entry);
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  std::thread::id runner_;  // the thread that runs a call
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace ringtrain::python
