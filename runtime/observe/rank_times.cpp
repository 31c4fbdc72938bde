// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/rank_times.hpp"

#include <algorithm>
#include <utility>

namespace ringtrain {
namespace {

constexpr std::chrono::seconds kBetweenEvents(10);

}  // namespace

std::optional<RanksEvent> RankTimes::take(int64_t step, Stragglers& stragglers, const Waits& waits,
                                          Clock::time_point now) {
  if (now - at_ < kBetweenEvents) return std::nullopt;
  std::vector<double> of_ranks = stragglers.take_recent();
  if (of_ranks.empty()) return std::nullopt;
  const double seconds = std::chrono::duration<double>(now - std::exchange(at_, now)).count();
  const Waits before = std::exchange(waits_, waits);
  const auto share = [&](double waited) { return std::clamp(waited / seconds, 0.0, 1.0); };
  return RanksEvent{.step = step,
                    .step_seconds = std::move(of_ranks),
                    .communication_share = share(waits.communication - before.communication),
                    .data_share = share(waits.data - before.data)};
}

}  // namespace ringtrain
