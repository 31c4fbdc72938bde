// SPDX-License-Identifier: Apache-2.0
// Progress of a training run: on a terminal one line that is written over, else a plain line every
// few seconds; a line for every epoch either way.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "job/events.hpp"

namespace ringtrain::launcher {

// "epoch 2/3 [=====>    ] 47%  6,712/s  loss 0.0612  12 s left", no wider than `columns`.
std::string progress_bar(const StepEvent& step, int columns);

class TrainingProgress {
 public:
  using Clock = std::chrono::steady_clock;

  // Writes to the descriptor. A closed terminal is not an error.
  TrainingProgress(int descriptor, bool terminal) : descriptor_(descriptor), terminal_(terminal) {}
  // Removes the bar.
  ~TrainingProgress() { clear(); }
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;

  void show(const StepEvent& step, Clock::time_point now);
  void show(const EpochEvent& epoch);
  // Writes a line that stays, above the bar.
  void line(const std::string& text);
  // Removes the bar, so that another writer can use the terminal; the next step brings it back.
  void clear();

 private:
  const int descriptor_;
  const bool terminal_;
  std::string bar_;  // on the screen now
  std::optional<Clock::time_point> last_line_;
};

}  // namespace ringtrain::launcher
