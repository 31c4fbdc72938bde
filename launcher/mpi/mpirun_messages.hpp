// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// A rank that a signal ended, as mpirun reports it.
struct LostRank {
  std::string rank;
  std::string host;
  int signal = 0;
  std::string signal_name;  // "(Killed)"
};

// "rank 1 on node3 was ended by signal 9 (Killed)"
std::string describe(const LostRank& rank);

// Sorts mpirun's own messages out of stderr. They stand between lines of dashes; those about the
// end of a rank are held back, because one line of ours says the same.
class MpirunMessages {
 public:
  // Takes one line of stderr. Returns the lines to show, none while a message is incomplete.
  std::vector<std::string> feed(const std::string& line);
  // Returns what is still held back, once stderr has ended.
  std::vector<std::string> finish();

  // The first rank that a signal ended, once mpirun has reported one.
  const std::optional<LostRank>& lost_rank() const { return lost_rank_; }
  // Messages about an end, which were held back.
  const std::vector<std::string>& kept() const { return kept_; }

 private:
  std::vector<std::string> close_block();

  bool in_block_ = false;
  std::vector<std::string> block_;
  std::optional<LostRank> lost_rank_;
  std::vector<std::string> kept_;
};

}  // namespace ringtrain::launcher
