// SPDX-License-Identifier: Apache-2.0
#include "runtime/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ringtrain {

Schedule::Schedule(const ScheduleSpec& spec, double base, int64_t steps_per_epoch,
                   int64_t total_steps)
    : spec_(spec),
      base_(base),
      steps_per_epoch_(static_cast<double>(steps_per_epoch)),
      warmup_steps_(std::round(spec.warmup_epochs * steps_per_epoch_)),
      total_steps_(static_cast<double>(total_steps)) {}

double Schedule::learning_rate(int64_t step) const {
  const auto s = static_cast<double>(step);
  if (s < warmup_steps_) return base_ * (s + 1) / warmup_steps_;
  switch (spec_.type) {
    case ScheduleSpec::Type::constant:
      return base_;
    case ScheduleSpec::Type::step: {
      const auto passed =
          std::count_if(spec_.milestones.begin(), spec_.milestones.end(),
                        [&](double epoch) { return s >= epoch * steps_per_epoch_; });
      return base_ * std::pow(spec_.gamma, static_cast<double>(passed));
    }
    case ScheduleSpec::Type::cosine: {
      const double progress =
          std::min(1.0, (s - warmup_steps_) / std::max(1.0, total_steps_ - warmup_steps_));
      const double factor = 0.5 * (1 + std::cos(std::numbers::pi * progress));
      return base_ * (spec_.final_factor + (1 - spec_.final_factor) * factor);
    }
  }
  return base_;
}

}  // namespace ringtrain
