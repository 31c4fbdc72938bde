// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/sum_slots.hpp"
#include "job/result_file.hpp"

namespace ringtrain {

// Finds the rank that the others wait for. Every 16 steps each rank adds its own time to a sum that
// a step makes anyway, so that all ranks know the same at the cost of a few numbers.
class Stragglers {
 public:
  // hosts: every rank's host name, by rank.
  Stragglers(int rank, std::vector<std::string> hosts);

  // Begins a window of steps at `step`, after work that is no step. `own`, here and below: seconds
  // of a clock that stands still while this rank waits for others.
  void start(int64_t step, double own);
  // Called before and after a sum over the ranks that completes `step`.
  void add_slots(int64_t step, double own, SumSlots& slots);
  void read_slots(const SumSlots& slots);

  // Returns each rank's own seconds of a step since the last call; empty before a first window.
  std::vector<double> take_step_seconds();
  // Returns the slowest rank since the last call; none for a single rank or before a first window.
  std::optional<RankSpeed> slowest_of_epoch();
  // Returns the slowest rank of the whole run.
  std::optional<RankSpeed> slowest() const { return slowest_of(all_); }

  // Returns a rank that has become a straggler: slower than 1.5 times the others' median in three
  // windows in a row. Each rank is returned once.
  std::optional<RankSpeed> take_news();

 private:
  // Each rank's seconds, summed over `steps` steps.
  struct Sums {
    std::vector<double> seconds;
    int64_t steps = 0;
    void add(std::span<const double> of_ranks, int64_t more_steps);
  };
  std::optional<RankSpeed> slowest_of(const Sums& sums) const;

  size_t rank_;
  std::vector<std::string> hosts_;
  double from_ = 0;                     // own seconds at the start of this window
  int64_t from_step_ = 0;               // step at the start of this window
  int64_t steps_ = 0;                   // steps of the window that is being summed
  std::optional<SumSlots::Slot> slot_;  // set between add_slots() and read_slots()
  Sums reported_;
  Sums epoch_;
  Sums all_;
  std::vector<int> slow_in_a_row_;
  std::optional<RankSpeed> news_;
};

}  // namespace ringtrain
