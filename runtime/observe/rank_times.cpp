// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/rank_times.hpp"

#include <algorithm>
#include <utility>

namespace ringtrain {
namespace {

constexpr std::chrono::seconds kFirstEvent(1);
constexpr std::chrono::seconds kBetweenEvents(10);

}  // namespace

void RankTimes::start(Clock::time_point now) {
  at_ = now;
  due_ = now + kFirstEvent;
}

RanksEvent RankTimes::take(RanksEvent so_far, Stragglers& stragglers, Clock::time_point now) {
  due_ = now + kBetweenEvents;
  const double passed = std::chrono::duration<double>(now - std::exchange(at_, now)).count();
  const Seconds before = std::exchange(seconds_, so_far.seconds);
  const auto share = [&](double Seconds::*activity) {
    const double seconds = so_far.seconds.*activity - before.*activity;
    return passed > 0 ? std::clamp(seconds / passed, 0.0, 1.0) : 0;
  };
  so_far.step_seconds = stragglers.take_step_seconds();
  so_far.communication_share = share(&Seconds::exposed_communication);
  so_far.data_share = share(&Seconds::data_wait);
  return so_far;
}

}  // namespace ringtrain
