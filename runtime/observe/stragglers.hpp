// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain {

// A rank's own seconds of a step: all but what it waited for others.
struct RankSpeed {
  int rank = 0;
  std::string host;
  double seconds = 0;  // a step
  double median = 0;   // of the other ranks
};

// {"slowest_rank", "host", "seconds", "median_of_others"}
nlohmann::ordered_json to_json(const RankSpeed& speed);

// Which rank the others wait for. Every rank's own time goes along with a sum that a step makes
// anyway, every 16th step; so every rank knows the same, at the cost of a few numbers.
class Stragglers {
 public:
  // hosts: of every rank.
  Stragglers(int rank, std::vector<std::string> hosts);

  // Training goes on, after something that is no step. `own`, here and below: seconds of a clock
  // that stands still while this rank waits for others.
  void start(double own);
  // Before a sum over the ranks at the end of a step, and after it: numbers at the end of `totals`.
  void ask(double own, std::vector<double>& totals);
  void hear(std::vector<double>& totals);

  // The slowest rank since the last call; nothing where nobody can be slower than others.
  std::optional<RankSpeed> slowest_of_epoch();
  // The slowest of the whole run.
  std::optional<RankSpeed> slowest() const { return slowest_of(all_); }

  // A rank that has become slow: 1.5 times the others' median, three times in a row; once a rank.
  std::optional<RankSpeed> take_news();

 private:
  // Seconds by rank, summed, and of how many steps.
  struct Sums {
    std::vector<double> seconds;
    int64_t steps = 0;
    void add(const std::vector<double>& of_ranks, int64_t more_steps);
  };
  std::optional<RankSpeed> slowest_of(const Sums& sums) const;

  size_t rank_;
  std::vector<std::string> hosts_;
  double from_ = 0;  // own seconds at the start of this window
  int64_t steps_ = 0;
  bool asking_ = false;
  Sums epoch_;
  Sums all_;
  std::vector<int> slow_in_a_row_;
  std::optional<RankSpeed> news_;
};

}  // namespace ringtrain
