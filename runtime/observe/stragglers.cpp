// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/stragglers.hpp"

#include <algorithm>
#include <utility>

#include "base/statistics.hpp"
#include "job/slow_rank.hpp"

namespace ringtrain {
namespace {

constexpr int64_t kWindow = 16;  // steps
constexpr int kInARow = 3;

}  // namespace

Stragglers::Stragglers(int rank, std::vector<std::string> hosts)
    : rank_(static_cast<size_t>(rank)), hosts_(std::move(hosts)), slow_in_a_row_(hosts_.size()) {}

void Stragglers::Sums::add(std::span<const double> of_ranks, int64_t more_steps) {
  seconds.resize(of_ranks.size());
  for (size_t r = 0; r < seconds.size(); ++r) seconds[r] += of_ranks[r];
  steps += more_steps;
}

void Stragglers::start(int64_t step, double own) {
  from_ = own;
  from_step_ = step;
}

void Stragglers::add_slots(int64_t step, double own, SumSlots& slots) {
  if (step - from_step_ < kWindow) return;
  std::vector<double> seconds(hosts_.size());
  seconds[rank_] = own - from_;
  slot_ = slots.add("seconds of ranks", seconds);
  from_ = own;
  steps_ = step - std::exchange(from_step_, step);
}

void Stragglers::read_slots(const SumSlots& slots) {
  if (!slot_) return;
  const auto seconds = slots.all(*slot_);
  slot_.reset();
  reported_.add(seconds, steps_);
  epoch_.add(seconds, steps_);
  all_.add(seconds, steps_);

  Sums window;
  window.add(seconds, steps_);
  const auto slow = slowest_of(window);
  const bool is_slow = slow && slow->seconds > kSlowRank * slow->median;
  for (size_t r = 0; r < hosts_.size(); ++r) {
    if (!is_slow || static_cast<int>(r) != slow->rank) {
      slow_in_a_row_[r] = std::min(slow_in_a_row_[r], 0);  // below 0: already reported
    } else if (slow_in_a_row_[r] >= 0 && ++slow_in_a_row_[r] == kInARow) {
      slow_in_a_row_[r] = -1;
      news_ = slow;
    }
  }
}

std::vector<double> Stragglers::take_step_seconds() {
  Sums sums = std::exchange(reported_, {});
  for (double& seconds : sums.seconds) seconds /= static_cast<double>(sums.steps);
  return std::move(sums.seconds);
}

std::optional<RankSpeed> Stragglers::slowest_of_epoch() {
  const Sums sums = std::exchange(epoch_, {});
  return slowest_of(sums);
}

std::optional<RankSpeed> Stragglers::take_news() { return std::exchange(news_, {}); }

std::optional<RankSpeed> Stragglers::slowest_of(const Sums& sums) const {
  if (sums.steps == 0 || hosts_.size() < 2) return std::nullopt;
  const auto slowest = std::max_element(sums.seconds.begin(), sums.seconds.end());
  const auto rank = static_cast<size_t>(slowest - sums.seconds.begin());
  std::vector<double> others = sums.seconds;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(rank));
  const auto steps = static_cast<double>(sums.steps);
  return RankSpeed{.rank = static_cast<int>(rank),
                   .host = hosts_[rank],
                   .seconds = *slowest / steps,
                   .median = median(std::move(others)) / steps};
}

}  // namespace ringtrain
