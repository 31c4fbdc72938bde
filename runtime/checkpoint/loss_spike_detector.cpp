// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/loss_spike_detector.hpp"

#include <algorithm>
#include <utility>

namespace ringtrain {

bool LossWatch::is_spike(double loss) {
  if (!on()) return false;
  const auto window = static_cast<size_t>(spec_.window);
  if (losses_.size() >= window) {
    std::vector<double> sorted = losses_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(window / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    if (!(loss <= spec_.factor * *middle)) return true;  // a NaN is one, too
    losses_.erase(losses_.begin());
  }
  losses_.push_back(loss);
  return false;
}

void LossWatch::set_losses(std::vector<double> losses) {
  losses_ = std::move(losses);
  const auto window = static_cast<size_t>(spec_.window);
  if (losses_.size() > window) losses_.erase(losses_.begin(), losses_.end() - spec_.window);
}

}  // namespace ringtrain
