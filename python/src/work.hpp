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
// one thread of the queue, which starts with the first call that needs it.
//
// Thread: any. The destructor drops calls that have not begun.
class CallQueue {
 public:
  CallQueue();
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Returns when the call has finished where `may_wait` and nothing is before it.
  void run(bool may_wait, std::function<void()> call);

 private:
  void loop();

  int process_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> calls_;
  bool busy_ = false;  // a call is running
  bool ends_ = false;
  std::thread thread_;
};

// Joins a thread of a process that may have forked since: in a child there is nothing to join.
void join_in(int process, std::thread& thread);

}  // namespace ringtrain::python
