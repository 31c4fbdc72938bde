// SPDX-License-Identifier: Apache-2.0
#include "python/src/work.hpp"

#include <c10/util/Exception.h>
#include <unistd.h>

#include "base/error.hpp"

namespace ringtrain::python {

void rethrow_for_torch() {
  try {
    throw;
  } catch (const Error& error) {
    C10_THROW_ERROR(DistBackendError, error.what());
  }
}

CallWork::CallWork(int rank, c10d::OpType operation, std::vector<at::Tensor> results)
    : c10d::Work(rank, operation),
      results_(std::move(results)),
      future_(
          c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()))) {
}

void CallWork::complete(std::exception_ptr error) {
  finish(error);
  if (error) {
    future_->setError(error);
  } else {
    future_->markCompleted(c10::IValue(results_));
  }
}

void CallWork::complete_from(int source) {
  source_ = source;
  complete();
}

CallQueue::CallQueue() : process_(getpid()) {}

CallQueue::~CallQueue() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    dropped.swap(calls_);
  }
  changed_.notify_all();
  join_in(process_, thread_);
}

void CallQueue::run(bool may_wait, std::function<void()> call) {
  std::unique_lock lock(mutex_);
  if (may_wait && !busy_ && calls_.empty()) {
    busy_ = true;
    lock.unlock();
    call();
    lock.lock();
    busy_ = false;
    if (!calls_.empty()) changed_.notify_all();
    return;
  }
  calls_.push_back(std::move(call));
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  changed_.notify_all();
}

void CallQueue::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || (!busy_ && !calls_.empty()); });
    if (ends_) return;
    std::function<void()> call = std::move(calls_.front());
    calls_.pop_front();
    busy_ = true;
    lock.unlock();
    call();
    call = nullptr;  // frees its tensors before the next waits
    lock.lock();
    busy_ = false;
  }
}

void join_in(int process, std::thread& thread) {
  if (!thread.joinable()) return;
  if (getpid() == process) {
    thread.join();
  } else {
    thread.detach();
  }
}

}  // namespace ringtrain::python
