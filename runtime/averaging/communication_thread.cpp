// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/communication_thread.hpp"

#include <utility>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/stopwatch.hpp"

namespace ringtrain {
namespace {

size_t bytes_of(std::span<const Range> buckets) {
  size_t elements = 0;
  for (const Range& bucket : buckets) elements += bucket.size();
  return elements * sizeof(float);
}

}  // namespace

CommunicationThread::CommunicationThread(Collectives& collectives, FlightRecorder* recorder,
                                         Trace* trace)
    : collectives_(collectives),
      recorder_(recorder),
      trace_(trace),
      track_(collectives.overlaps() ? Trace::Track::communication : Trace::Track::training) {
  if (collectives.overlaps()) thread_ = std::thread([this] { run(); });
}

CommunicationThread::~CommunicationThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

CommunicationThread::Ticket CommunicationThread::reduce_scatter(std::span<const Range> buckets) {
  if (trace_ != nullptr && !buckets.empty()) {
    trace_->add_moment(Trace::Track::training, "bucket ready", "first element",
                       static_cast<int64_t>(buckets[0].begin));
  }
  return start({"reduce_scatter", bytes_of(buckets),
                [this, buckets] { collectives_.reduce_scatter(buckets); }});
}

void CommunicationThread::reduce_shared(Range bucket) {
  RINGTRAIN_CHECK(collectives_.shared_slabs() != nullptr);
  wait(start({"reduce_scatter", bytes_of({&bucket, 1}),
              [this, bucket] { collectives_.shared_slabs()->reduce(bucket); }}));
}

void CommunicationThread::all_reduce(std::span<double> values, Over over) {
  wait(start({"all_reduce", values.size_bytes(),
              [this, values, over] { collectives_.all_reduce(values, over); }}));
}

void CommunicationThread::all_gather(std::span<const Range> buckets) {
  wait(start(
      {"all_gather", bytes_of(buckets), [this, buckets] { collectives_.all_gather(buckets); }}));
}

void CommunicationThread::broadcast() {
  wait(start({"broadcast", 0, [this] { collectives_.broadcast(); }}));
}

void CommunicationThread::barrier() {
  wait(start({"barrier", 0, [this] { collectives_.barrier(); }}));
}

CommunicationThread::Ticket CommunicationThread::start(Call call) {
  if (!thread_.joinable()) {
    const Stopwatch stopwatch(exposed_seconds_);
    ++started_;
    if (recorder_ != nullptr) recorder_->queued(started_, call.operation, call.bytes);
    run_recorded(started_, call);
    done_ = started_;
    return started_;
  }
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = ++started_;
    if (recorder_ != nullptr) recorder_->queued(ticket, call.operation, call.bytes);
    queue_.push_back([this, ticket, call = std::move(call)] { run_recorded(ticket, call); });
  }
  changed_.notify_all();
  return ticket;
}

void CommunicationThread::run_recorded(Ticket ticket, const Call& call) {
  const Span span(trace_, call.operation, "bytes", static_cast<int64_t>(call.bytes), track_);
  if (recorder_ == nullptr) return call.run();
  recorder_->started(ticket);
  try {
    call.run();
  } catch (const Error& error) {
    throw Error(error.kind(), error.what() + recorder_->failed(ticket));
  }
  recorder_->ended(ticket);
}

void CommunicationThread::wait(Ticket ticket) {
  RINGTRAIN_CHECK(ticket <= started_);
  if (!thread_.joinable()) return;
  const Span span(trace_, "wait");
  const Stopwatch stopwatch(exposed_seconds_);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= ticket || error_; });
  if (error_) std::rethrow_exception(error_);
}

void CommunicationThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto call = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      call();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    ++done_;
    if (error) {
      error_ = error;
      stopping_ = true;
    }
    changed_.notify_all();
  }
}

}  // namespace ringtrain
