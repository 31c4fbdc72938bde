// SPDX-License-Identifier: Apache-2.0
#include "python/src/work.hpp"

#include <c10/util/Exception.h>

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
  // Whoever has waited for the work finds its future complete.
  if (error) {
    future_->setError(error);
  } else {
    future_->markCompleted(c10::IValue(results_));
  }
  c10d::Work::finish(error);
}

void CallWork::complete_from(int source) {
  source_ = source;
  complete();
}

namespace {

std::exception_ptr closed_error() {
  return std::make_exception_ptr(
      C10_BUILD_ERROR(DistBackendError, "this rank has closed the group"));
}

}  // namespace

CallQueue::~CallQueue() {
  stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return runner_ == std::thread::id(); });
  }
  if (thread_.joinable()) thread_.join();
}

void CallQueue::stop() {
  std::deque<Entry> dropped;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    dropped.swap(entries_);
  }
  changed_.notify_all();
  for (const Entry& entry : dropped) entry.work->complete(closed_error());
}

bool CallQueue::runs_here() {
  const std::lock_guard lock(mutex_);
  return runner_ == std::this_thread::get_id();
}

void CallQueue::run(bool may_wait, Entry entry) {
  const auto here = std::this_thread::get_id();
  std::unique_lock lock(mutex_);
  if (ends_) std::rethrow_exception(closed_error());
  if (runner_ == here) {
    lock.unlock();
    return finish(entry);
  }
  if (may_wait && runner_ == std::thread::id() && entries_.empty()) {
    runner_ = here;
    lock.unlock();
    finish(entry);
    lock.lock();
    runner_ = {};
    changed_.notify_all();
    return;
  }
  entries_.push_back(std::move(entry));
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  changed_.notify_all();
}

void CallQueue::finish(const Entry& entry) {
  try {
    try {
      entry.call();
    } catch (...) {
      rethrow_for_torch();
    }
  } catch (...) {
    return entry.work->complete(std::current_exception());
  }
  entry.work->complete();
}

void CallQueue::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock,
                  [this] { return ends_ || (runner_ == std::thread::id() && !entries_.empty()); });
    if (ends_) return;
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    runner_ = std::this_thread::get_id();
    lock.unlock();
    finish(entry);
    entry = {};  // frees its tensors before the next waits
    lock.lock();
    runner_ = {};
    changed_.notify_all();
  }
}

}  // namespace ringtrain::python
