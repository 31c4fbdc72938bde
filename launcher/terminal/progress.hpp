// SPDX-License-Identifier: Apache-2.0
// Progress of a training run on stderr: on a terminal one line that is written over, else a plain
// line every few seconds; a line for every epoch either way.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// "epoch 2/3 [=====>    ] 47%  6,712/s  loss 0.0612  12 s left", no wider than `columns`.
std::string progress_bar(const StepEvent& step, int columns);

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // Writes to the descriptor; that of a terminal that was closed is no error.
  Progress(int descriptor, bool terminal) : descriptor_(descriptor), terminal_(terminal) {}
  // Leaves the bar's line.
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const StepEvent& step, Clock::time_point now);
  void show(const EpochEvent& epoch);
  // A line that stays, above the bar.
  void line(const std::string& text);
  // Takes the bar away, as before somebody else writes to the terminal; the next step brings it
  // back.
  void clear();

 private:
  void write(const std::string& text) const;

  const int descriptor_;
  const bool terminal_;
  std::string bar_;  // on the screen now
  std::optional<Clock::time_point> last_line_;
};

}  // namespace ringtrain::launcher
