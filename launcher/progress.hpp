// SPDX-License-Identifier: Apache-2.0
// Progress of a training run on stderr: on a terminal one line that is written over, else a plain
// line every few seconds; a line for every epoch either way.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "launcher/events.hpp"

namespace ringtrain::launcher {

// "epoch 2/3 [=====>    ] 47%  6,712/s  loss 0.0612  12 s left", no wider than `columns`.
std::string progress_bar(const StepEvent& step, int columns);

// "epoch 2/3, step 440 of 1,407, loss 0.0612, 6,712 samples/s, 12 s left"
std::string progress_line(const StepEvent& step);

// "epoch 2/3: train loss 0.0612, test loss 0.0480, test accuracy 98.41%, 9 s"
std::string epoch_line(const EpochEvent& epoch);

// "on node1: rank 0 (cpu), 1 (cpu)" for every host, then "training 1,407 steps, 3 epochs, 2 ranks".
std::vector<std::string> started_lines(const StartedEvent& started);

// "4.2 s", "3 min 20 s", "2 h 5 min"
std::string print_seconds(double seconds);

// "6,712", as counts and rates read best.
std::string print_count(double count);

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
