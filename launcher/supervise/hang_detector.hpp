// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ringtrain::launcher {

// How long ranks may be silent before they count as hung: 20 steps as they have been in this run,
// but not less than 10 seconds; longer where no step can be expected.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  // `start`: from the start of mpirun to the first step, which reads libraries and the dataset.
  Patience(Clock::time_point now, Seconds start) : heard_(now), allowed_(start) {}

  // Ranks have started, and go on from this step.
  void started(int64_t step, Clock::time_point now);
  // So many steps have been done.
  void step(int64_t step, Clock::time_point now);
  // An evaluation of so many batches begins; it ends with the next step or epoch.
  void evaluation(int64_t batches, Clock::time_point now);
  // The last step is done: the model is written.
  void saving(Clock::time_point now);

  Clock::time_point deadline() const {
    return heard_ + std::chrono::duration_cast<Clock::duration>(allowed_);
  }
  // Since when there was silence, for "no step for 12 s".
  Clock::time_point heard() const { return heard_; }

 private:
  Seconds median() const;
  Seconds for_steps() const;

  Clock::time_point heard_;
  Seconds allowed_;
  std::optional<int64_t> step_;
  std::vector<Seconds> steps_;  // seconds of a step, of the latest that were told of
  std::size_t next_ = 0;
};

}  // namespace ringtrain::launcher
