// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/hang_detector.hpp"

#include <algorithm>

namespace ringtrain::launcher {
namespace {

using Seconds = HangDetector::Seconds;

constexpr size_t kRemembered = 63;
constexpr Seconds kLeast(10);
constexpr Seconds kUntimed(60);  // while no step has been timed
constexpr Seconds kForSaving(300);
constexpr double kSteps = 20;
constexpr double kStepsPerEvaluatedBatch = 5;  // a forward pass alone takes less than one

}  // namespace

// The first step may take longer than any other, but it gives an idea.
void HangDetector::started(int64_t step, TimePoint now) {
  step_ = step;
  reported_at_ = now;
}

void HangDetector::step(int64_t step, TimePoint now) {
  if (step_ && step > *step_) {
    const Seconds each = Seconds(now - reported_at_) / static_cast<double>(step - *step_);
    if (step_times_.size() < kRemembered) {
      step_times_.push_back(each);
    } else {
      step_times_[next_++ % kRemembered] = each;
    }
  }
  step_ = step;
  reported_at_ = now;
  allowed_ = for_steps();
}

void HangDetector::evaluation(int64_t batches, TimePoint now) {
  reported_at_ = now;
  allowed_ = for_steps() + kStepsPerEvaluatedBatch * static_cast<double>(batches) * median();
}

void HangDetector::saving(TimePoint now) {
  reported_at_ = now;
  allowed_ = kForSaving;
}

Seconds HangDetector::median() const {
  if (step_times_.empty()) return Seconds(0);
  std::vector<Seconds> sorted = step_times_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

Seconds HangDetector::for_steps() const {
  if (step_times_.empty()) return kUntimed;
  return std::max(kLeast, kSteps * median());
}

}  // namespace ringtrain::launcher
