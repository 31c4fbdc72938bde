// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/checkpoints.hpp"

#include <fmt/format.h>

#include "base/stopwatch.hpp"
#include "job/json.hpp"
#include "runtime/checkpoint/signals.hpp"

namespace ringtrain {

using Clock = CheckpointTriggers::Clock;

Checkpoints::Checkpoints(const JobSpec& job, const datasets::DatasetIndex& dataset,
                         int64_t steps_per_epoch, const World& world, const Progress& progress)
    : job_(job),
      dataset_(dataset),
      steps_per_epoch_(steps_per_epoch),
      progress_(progress),
      first_(world.rank() == 0),
      together_(world.size() == 1 || job.communication.backend != CommunicationSpec::Backend::none),
      triggers_(job.checkpoint, steps_per_epoch, 0, Clock::now()),
      finish_request_(job.output),
      writer_(job.output / "checkpoints", job.checkpoint.keep) {
  if (first_ && !together_ && triggers_.any()) {
    progress_.log("communication.backend: none: no checkpoints are taken");
  }
}

void Checkpoints::resume(const std::filesystem::path& checkpoint, int64_t step) {
  newest_ = checkpoint;
  triggers_ = CheckpointTriggers(job_.checkpoint, steps_per_epoch_, step, Clock::now());
}

void Checkpoints::add_slots(int64_t step, SumSlots& slots) {
  report(/*wait=*/false);
  // A checkpoint that is due while the last one is still being written waits for it. With rollbacks
  // on, training waits instead: the state it falls back to must not depend on the disk's speed.
  const bool due =
      first_ && triggers_.due(step, Clock::now()) && (writer_.idle() || job_.rollback.factor > 0);
  wanted_slot_ = slots.add("checkpoint", due || take_checkpoint_request() ? 1 : 0);
  stop_slot_ = slots.add("stop", stop_requested_here() ? 1 : 0);
  // Ranks that train alone are at different steps.
  finish_slot_ = slots.add("finish", first_ && together_ && finish_request_.is_there() ? 1 : 0);
}

void Checkpoints::read_slots(const SumSlots& slots) {
  wanted_ = wanted_ || slots[wanted_slot_] > 0;
  stopping_ = stopping_ || slots[stop_slot_] > 0;
  finishing_ = finishing_ || slots[finish_slot_] > 0;
}

bool Checkpoints::stop_requested_here() const { return stop_request() != 0; }

void Checkpoints::take(const Trained& trained, const TrainingState& state) {
  wanted_ = false;
  if (!together_) return;
  last_pause_ = 0;
  {
    const Stopwatch stopwatch(last_pause_);
    report(/*wait=*/true);
    snapshot(trained, state.step);
    if (first_) {
      writer_.write(snapshot_, trained.model, trained.space.layout,
                    {.state = state,
                     .job = job_to_json(job_),
                     .dataset_uuid = dataset_.uuid,
                     .train_rows = dataset_.train.rows,
                     .parts = {}});
    }
  }
  seconds_ += last_pause_;
  triggers_.taken(state.step, Clock::now());
}

void Checkpoints::snapshot(const Trained& trained, int64_t step) {
  take_snapshot(trained, snapshot_);
  snapshot_step_ = step;
}

void Checkpoints::report(bool wait) {
  const auto outcome = writer_.outcome(wait);
  if (!outcome) return;
  if (!outcome->failure.empty()) {
    progress_.warn(fmt::format(
        "no checkpoint of step {}: {}; training continues, earlier checkpoints are kept",
        outcome->step, outcome->failure));
    return;
  }
  newest_ = outcome->path;
  progress_.checkpoint_written(outcome->step, outcome->path.string(), outcome->bytes,
                               outcome->seconds, last_pause_);
  if (!outcome->complaint.empty()) {
    progress_.warn(fmt::format("old checkpoints: {}", outcome->complaint));
  }
}

}  // namespace ringtrain
