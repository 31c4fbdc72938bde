// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/hang_detector.hpp"

#include <algorithm>

#include "base/statistics.hpp"

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
    const double each = Seconds(now - reported_at_).count() / static_cast<double>(step - *step_);
    if (step_seconds_.size() < kRemembered) {
      step_seconds_.push_back(each);
    } else {
      step_seconds_[next_++ % kRemembered] = each;
    }
  }
  step_ = step;
  reported_at_ = now;
  allowed_ = for_steps();
}

void HangDetector::evaluation(int64_t batches, TimePoint now) {
  reported_at_ = now;
  allowed_ = for_steps() + kStepsPerEvaluatedBatch * static_cast<double>(batches) * median_step();
}

void HangDetector::saving(TimePoint now) {
  reported_at_ = now;
  allowed_ = kForSaving;
}

Seconds HangDetector::median_step() const { return Seconds(median(step_seconds_)); }

Seconds HangDetector::for_steps() const {
  if (step_seconds_.empty()) return kUntimed;
  return std::max(kLeast, kSteps * median_step());
}

}  // namespace ringtrain::launcher
