// SPDX-License-Identifier: Apache-2.0
#include "runtime/gradients/exchange.hpp"

#include <utility>

#include "runtime/stopwatch.hpp"

namespace ringtrain {

Exchange::Exchange(Communicator& communicator) : communicator_(communicator) {
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
  return hand_over([this, bucket] { communicator_.reduce(bucket); });
}

void Exchange::sum(std::span<double> values) {
  wait(hand_over([this, values] { communicator_.sum(values); }));
}

void Exchange::sum_over_shares(std::span<double> values) {
  wait(hand_over([this, values] { communicator_.sum_over_shares(values); }));
}

void Exchange::publish() {
  wait(hand_over([this] { communicator_.publish(); }));
}

void Exchange::spread_parameters() {
  wait(hand_over([this] { communicator_.spread_parameters(); }));
}

Exchange::Ticket Exchange::hand_over(std::function<void()> call) {
  if (!thread_.joinable()) {
    const Stopwatch stopwatch(exposed_seconds_);
    call();
    done_ = ++handed_over_;
    return handed_over_;
  }
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(call));
    ticket = ++handed_over_;
  }
  changed_.notify_all();
  return ticket;
}

void Exchange::wait(Ticket ticket) {
  if (!thread_.joinable()) return;
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
