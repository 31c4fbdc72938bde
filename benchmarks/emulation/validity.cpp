// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/validity.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/statistics.hpp"

namespace ringtrain::benchmarks {

double step_of(const EmulatedRun& run) { return median(run.step_seconds); }

std::string why_void(const EmulatedRun& run) {
  if (run.cpu_share > kMostCpuShare) {
    return fmt::format("cores were busy for {:.0f}% of the time at dilation {:g}",
                       100 * run.cpu_share, run.dilation);
  }
  if (run.core_wait_share > kMostCoreWait) {
    return fmt::format("ranks waited for cores for {:.1f}% of the time at dilation {:g}",
                       100 * run.core_wait_share, run.dilation);
  }
  return "";
}

std::string why_void(const EmulatedRun& at_k, const EmulatedRun& at_twice) {
  for (const EmulatedRun* run : {&at_k, &at_twice}) {
    if (const std::string why = why_void(*run); !why.empty()) return why;
  }
  const double difference = std::abs(step_of(at_k) / step_of(at_twice) - 1);
  if (difference <= kMostDifference) return "";
  return fmt::format("the step at dilation {:g} differs by {:.1f}% from that at {:g}",
                     at_k.dilation, 100 * difference, at_twice.dilation);
}

}  // namespace ringtrain::benchmarks
