// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/loss_spike_detector.hpp"

#include <iterator>

#include "base/statistics.hpp"

namespace ringtrain {

bool LossSpikeDetector::is_spike(double loss, std::vector<double>& losses) const {
  if (!enabled()) return false;
  // A resumed run may have a shorter window than before.
  if (std::ssize(losses) > spec_.window) losses.erase(losses.begin(), losses.end() - spec_.window);
  if (std::ssize(losses) == spec_.window) {
    if (!(loss <= spec_.factor * median(losses))) return true;  // true for NaN, too
    losses.erase(losses.begin());
  }
  losses.push_back(loss);
  return false;
}

}  // namespace ringtrain
