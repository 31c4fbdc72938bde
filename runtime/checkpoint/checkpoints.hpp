// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "datasets/format/plan.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/snapshot.hpp"
#include "runtime/checkpoint/training_state.hpp"
#include "runtime/checkpoint/triggers.hpp"
#include "runtime/checkpoint/writer.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/observe/progress.hpp"

namespace ringtrain {

// When the ranks of a job pause for a checkpoint, and the pause: a copy into rank 0's memory, which
// a thread of rank 0 then writes to `output`/checkpoints while training goes on.
//
// Ranks agree by way of a sum that every step makes anyway: each says what it wants (rank 0 for the
// triggers, any rank for a signal it has got), and hears what was wanted anywhere.
class Checkpoints {
 public:
  Checkpoints(const JobSpec& job, const datasets::Plan& plan, int64_t steps_per_epoch,
              const World& world, const Progress& progress);
  void resume(const std::filesystem::path& checkpoint, int64_t step);

  // Before a sum over ranks, and after it: two numbers at the end of `totals`. step: the one that
  // will have been done when the sum is heard.
  void ask(int64_t step, std::vector<double>& totals);
  void hear(std::vector<double>& totals);

  // Agreed: a checkpoint is to be taken now; and the ranks are to stop after it.
  bool called() const { return wanted_ || stopping_; }
  bool stopping() const { return stopping_; }
  // Not yet agreed: this rank has got a signal to stop.
  bool stop_asked_here() const;
  // There are checkpoints without signals, too.
  bool regular() const { return triggers_.any(); }

  // Collective. `state` and the trained parts, between two steps. Returns when they may change.
  void take(const Trained& trained, const TrainingState& state);
  // The same copy in memory alone, for a rollback. Collective.
  void remember(const Trained& trained, int64_t step);
  const Snapshot& snapshot() const { return snapshot_; }
  int64_t snapshot_step() const { return snapshot_step_; }

  // Tells what has become of the write under way, when it has ended; with `wait` after its end.
  void report(bool wait);

  // On rank 0; empty where there is none.
  const std::filesystem::path& newest() const { return newest_; }
  double seconds() const { return seconds_; }  // of pauses

 private:
  const JobSpec& job_;
  const datasets::Plan& plan_;
  int64_t steps_per_epoch_;
  const Progress& progress_;
  bool first_;
  // False where ranks train each on its own (backend: none): there is no one state to keep.
  bool together_;

  CheckpointTriggers triggers_;
  bool wanted_ = false;
  bool stopping_ = false;
  double seconds_ = 0;
  double last_pause_ = 0;
  std::filesystem::path newest_;
  int64_t snapshot_step_ = 0;
  Snapshot snapshot_;
  CheckpointWriter writer_;  // last: it reads the snapshot until it is destroyed
};

}  // namespace ringtrain
