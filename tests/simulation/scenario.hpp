// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain::simulation {

using std::chrono::milliseconds;

// Draws that depend on the seed alone.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // A number from `least` to `most`.
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(engine_() % static_cast<uint64_t>(most - least + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  milliseconds time(milliseconds least, milliseconds most) {
    return milliseconds(between(least.count(), most.count()));
  }

 private:
  std::mt19937_64 engine_;
};

// A request to this program to stop.
struct StopRequest {
  milliseconds at;
  int signal;
};

// Everything about a run that is fixed before it starts.
struct Scenario {
  bool this_machine = false;  // no hostfile
  int hosts = 1;
  int slots = 1;  // of each host
  int ranks = 1;
  WorkersSpec workers;
  int restarts = 0;

  int64_t steps = 1;
  milliseconds step_time{};
  int64_t steps_per_epoch = 1;
  int64_t checkpoint_every = 0;               // steps; 0: none but those that are asked for
  bool can_save = true;                       // false: the disk is full
  std::optional<int64_t> earlier_checkpoint;  // of an earlier run, which the job does not resume

  int percent_faults = 0;             // of attempts
  int percent_bad_saves = 0;          // checkpoints that turn out to be damaged
  milliseconds hosts_change_after{};  // about; 0: never
  std::vector<StopRequest> stops;

  int least_ranks() const { return workers.min > 0 ? workers.min : ranks; }
  int most_ranks() const { return workers.max > 0 ? workers.max : std::max(ranks, workers.min); }
};

Scenario draw_scenario(Random& random);

}  // namespace ringtrain::simulation
