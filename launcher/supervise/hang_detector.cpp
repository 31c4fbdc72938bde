// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/hang_detector.hpp"

#include <algorithm>

namespace ringtrain::launcher {
namespace {

using Seconds = Patience::Seconds;

constexpr std::size_t remembered = 63;
constexpr Seconds least(10);
constexpr Seconds unknown(60);  // while no step has been timed
constexpr Seconds for_saving(300);
constexpr double steps_of_patience = 20;
constexpr double per_evaluated_batch = 5;  // steps; a forward pass alone is less than one

}  // namespace

// The first step may take longer than any other, but it gives an idea.
void Patience::started(int64_t step, Clock::time_point now) {
  step_ = step;
  heard_ = now;
}

void Patience::step(int64_t step, Clock::time_point now) {
  if (step_ && step > *step_) {
    const Seconds each = Seconds(now - heard_) / static_cast<double>(step - *step_);
    if (steps_.size() < remembered) {
      steps_.push_back(each);
    } else {
      steps_[next_++ % remembered] = each;
    }
  }
  step_ = step;
  heard_ = now;
  allowed_ = for_steps();
}

void Patience::evaluation(int64_t batches, Clock::time_point now) {
  heard_ = now;
  allowed_ = for_steps() + per_evaluated_batch * static_cast<double>(batches) * median();
}

void Patience::saving(Clock::time_point now) {
  heard_ = now;
  allowed_ = for_saving;
}

Seconds Patience::median() const {
  if (steps_.empty()) return Seconds(0);
  std::vector<Seconds> sorted = steps_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

Seconds Patience::for_steps() const {
  if (steps_.empty()) return unknown;
  return std::max(least, steps_of_patience * median());
}

}  // namespace ringtrain::launcher
