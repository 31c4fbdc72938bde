// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/sum_slots.hpp"
#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/finish_request.hpp"
#include "runtime/checkpoint/snapshot.hpp"
#include "runtime/checkpoint/training_state.hpp"
#include "runtime/checkpoint/triggers.hpp"
#include "runtime/checkpoint/writer.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/observe/progress.hpp"

namespace ringtrain {

// Decides when the ranks of a job pause for a checkpoint, and takes it: a copy into rank 0's
// memory, which a thread of rank 0 writes to `output`/checkpoints while training continues.
//
// Ranks agree through a sum that every step makes anyway: each adds its requests (rank 0 those of
// the triggers and of the file `finish`, any rank those of its signals), and all ranks read the
// same sums.
class Checkpoints {
 public:
  Checkpoints(const JobSpec& job, const datasets::DatasetIndex& dataset, int64_t steps_per_epoch,
              const World& world, const Progress& progress);
  void resume(const std::filesystem::path& checkpoint, int64_t step);

  // Called before and after a sum over ranks. step: the step that this sum completes.
  void add_slots(int64_t step, SumSlots& slots);
  void read_slots(const SumSlots& slots);

  // True if the ranks have agreed to take a checkpoint now.
  bool checkpoint_due() const { return wanted_ || stopping_; }
  // True if they have agreed to stop after it.
  bool stopping() const { return stopping_; }
  // True if they have agreed to complete the job now, as it is.
  bool finishing() const { return finishing_; }
  // True if this rank has received a signal to stop, whether or not the others know.
  bool stop_requested_here() const;
  // True if the job takes checkpoints without being asked by a signal.
  bool regular() const { return triggers_.any(); }

  // Takes a checkpoint between two steps. Returns when the parameters may change again. Collective.
  void take(const Trained& trained, const TrainingState& state);
  // Takes the same copy in memory alone, to roll back to. Collective.
  void snapshot(const Trained& trained, int64_t step);
  const Snapshot& last_snapshot() const { return snapshot_; }
  int64_t last_snapshot_step() const { return snapshot_step_; }

  // Reports the outcome of the write under way if it has ended; if `wait`, waits for its end.
  void report(bool wait);

  // Path of the newest checkpoint, on rank 0; empty if there is none.
  const std::filesystem::path& newest() const { return newest_; }
  double seconds() const { return seconds_; }  // training paused for checkpoints

 private:
  const JobSpec& job_;
  const datasets::DatasetIndex& dataset_;
  int64_t steps_per_epoch_;
  const Progress& progress_;
  bool first_;
  // False if each rank trains alone (backend: none), so that there is no common state to save.
  bool together_;

  CheckpointTriggers triggers_;
  FinishRequest finish_request_;
  SumSlots::Slot wanted_slot_;
  SumSlots::Slot stop_slot_;
  SumSlots::Slot finish_slot_;
  bool wanted_ = false;
  bool stopping_ = false;
  bool finishing_ = false;
  double seconds_ = 0;
  double last_pause_ = 0;
  std::filesystem::path newest_;
  int64_t snapshot_step_ = 0;
  Snapshot snapshot_;
  CheckpointWriter writer_;  // last: it reads the snapshot until it is destroyed
};

}  // namespace ringtrain
