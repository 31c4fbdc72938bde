// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/communication_thread.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/stopwatch.hpp"

namespace ringtrain {

Exchange::Exchange(Communicator& communicator, FlightRecorder* recorder, Trace* trace)
    : communicator_(communicator),
      recorder_(recorder),
      trace_(trace),
      track_(communicator.overlaps() ? Trace::Track::communication : Trace::Track::training) {
  if (communicator.overlaps()) thread_ = std::thread([this] { run(); });
}

Exchange::~Exchange() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Exchange::Ticket Exchange::reduce(Range bucket) {
  communicator_.written(bucket);
  return reduce_written(bucket);
}

Exchange::Ticket Exchange::reduce_written(Range bucket) {
  if (trace_ != nullptr) {
    trace_->add_moment(Trace::Track::training, "bucket ready", "first element",
                       static_cast<int64_t>(bucket.begin));
  }
  return hand_over("reduce", bucket.size() * sizeof(float),
                   [this, bucket] { communicator_.reduce(bucket); });
}

void Exchange::sum(std::span<double> values) {
  wait(hand_over("sum", values.size_bytes(), [this, values] { communicator_.sum(values); }));
}

void Exchange::sum_over_shares(std::span<double> values) {
  wait(hand_over("sum over shares", values.size_bytes(),
                 [this, values] { communicator_.sum_over_shares(values); }));
}

void Exchange::publish(std::span<const Range> buckets) {
  wait(hand_over("publish", 0, [this, buckets] { communicator_.publish(buckets); }));
}

void Exchange::spread_parameters() {
  wait(hand_over("spread", 0, [this] { communicator_.spread_parameters(); }));
}

Exchange::Ticket Exchange::hand_over(const char* operation, size_t bytes,
                                     std::function<void()> call) {
  if (!thread_.joinable()) {
    const Stopwatch stopwatch(exposed_seconds_);
    ++handed_over_;
    if (recorder_ != nullptr) recorder_->queued(handed_over_, operation, bytes);
    carry_out(handed_over_, operation, bytes, call);
    done_ = handed_over_;
    return handed_over_;
  }
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = ++handed_over_;
    if (recorder_ != nullptr) recorder_->queued(ticket, operation, bytes);
    queue_.push_back([this, ticket, operation, bytes, call = std::move(call)] {
      carry_out(ticket, operation, bytes, call);
    });
  }
  changed_.notify_all();
  return ticket;
}

void Exchange::carry_out(Ticket ticket, const char* operation, size_t bytes,
                         const std::function<void()>& call) {
  const Span span(trace_, operation, "bytes", static_cast<int64_t>(bytes), track_);
  if (recorder_ == nullptr) return call();
  recorder_->started(ticket);
  try {
    call();
  } catch (const Error& error) {
    throw Error(error.kind(), error.what() + recorder_->failed(ticket));
  }
  recorder_->ended(ticket);
}

void Exchange::wait(Ticket ticket) {
  if (!thread_.joinable()) return;
  const Span span(trace_, "wait");
  const Stopwatch stopwatch(exposed_seconds_);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= ticket || error_; });
  if (error_) std::rethrow_exception(error_);
}

void Exchange::run() {
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
