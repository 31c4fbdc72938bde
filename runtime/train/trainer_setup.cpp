// SPDX-License-Identifier: Apache-2.0
// Set-up before the training loop, and the result after it. The loop itself is in trainer.cpp.
#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "job/choice_names.hpp"
#include "runtime/train/model_options.hpp"
#include "runtime/train/precision.hpp"
#include "runtime/train/reader_options.hpp"
#include "runtime/train/trainer.hpp"

namespace ringtrain {
namespace {

// Before the first pass of the model, and before NCCL starts.
const JobSpec& with_arithmetic(const JobSpec& job, const Device& device) {
  set_arithmetic(device, job);
  return job;
}

}  // namespace

Trainer::Trainer(const JobSpec& job, const World& world, const datasets::DatasetIndex& dataset,
                 Device& device, Model& model, Progress& progress, Trace* trace)
    : job_(with_arithmetic(job, device)),
      length_(length_of(job, dataset, world.size())),
      progress_(progress),
      parts_(job, world, dataset, device, model, trace),
      forward_backward_(
          job, dataset, device, model, parts_.averager,
          [&progress](const std::string& line) { progress.log(line); }, trace),
      schedule_(job.schedule, job.optimizer.learning_rate, length_.steps_per_epoch, length_.steps),
      reader_(dataset, datasets::Split::train,
              reader_options(job, datasets::Split::train, world.rank(), world.size(), device)),
      evaluator_(job, dataset, world.rank(), world.size(), device, model),
      checkpoints_(job, dataset, length_.steps_per_epoch, world, progress),
      stragglers_(world.rank(), world.hosts()),
      spikes_(job.rollback) {
  check_task(job, task_of(dataset));
}

void Trainer::resume(const ResumePoint& point) {
  Snapshot snapshot;
  if (ranks().collectives().rank() == 0 && !point.weights.empty()) {
    try {
      snapshot = snapshot_from(point.weights, point.optimizer, parts_.optimizer.state_names(),
                               parts_.model, parts_.space.layout);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      throw job_error(fmt::format(
          "checkpoint.resume: {} does not fit the model {}: {}: set checkpoint.resume=never or "
          "another output",
          point.path.string(), job_.model, error.what()));
    }
  }
  parts_.averaging->restore([&] { restore_snapshot(parts_.trained(), snapshot); });
  state_ = point.state;
  resumed_from_ = point.state;
  parts_.optimizer.set_steps(state_.optimizer_steps);
  progress_.resume(state_.step);
  checkpoints_.resume(point.path, state_.step);
}

// Sums the ranks' hashes of the samples they have read: the hash of the whole order. What was read
// before the run was resumed counts once, on the first rank.
uint64_t Trainer::global_order_hash() {
  constexpr uint64_t kLow = 0xffffffff;
  const bool first = ranks().collectives().rank() == 0;
  const uint64_t before = resumed_from_ && first ? resumed_from_->order_hash : 0;
  const uint64_t mine = order_hash_ + before;
  // In halves, so that doubles hold the sums exactly.
  std::array<double, 2> halves = {static_cast<double>(mine >> 32),
                                  static_cast<double>(mine & kLow)};
  ranks().all_reduce(halves);
  return (static_cast<uint64_t>(halves[0]) << 32) + static_cast<uint64_t>(halves[1]);
}

Seconds Trainer::seconds_so_far() const {
  Seconds seconds = seconds_;
  seconds.data_wait = reader_.waited_seconds();
  seconds.compute -= seconds.exposed_communication + seconds.data_wait;
  seconds.checkpoint = checkpoints_.seconds();
  return seconds;
}

// Called between steps: their times are in seconds_ then.
void Trainer::report_if_due() {
  if (const auto slow = stragglers_.take_news()) progress_.straggler(*slow);
  if (rank_times_.is_due()) report_ranks();
}

void Trainer::report_ranks() {
  progress_.ranks(rank_times_.take({.step = state_.step,
                                    .samples_seen = state_.totals.samples_seen,
                                    .skipped_steps = state_.skipped_steps,
                                    .seconds = seconds_so_far()},
                                   stragglers_));
}

Result Trainer::result() {
  Result result;
  result.name = job_.name;
  result.status = done() ? "finished" : "stopped";
  result.device = parts_.device.name();
  result.precision = name_of(precision_on(parts_.device, job_));
  result.communication = describe_communication();
  result.epochs = (state_.step + length_.steps_per_epoch - 1) / length_.steps_per_epoch;
  result.steps = state_.step;
  result.skipped_steps = state_.skipped_steps;
  result.rollbacks = state_.rollbacks;
  result.samples_seen = state_.totals.samples_seen;
  result.train_loss = state_.totals.train_loss();
  if (state_.tested) {
    result.test_loss = state_.tested->loss;
    result.test_accuracy = state_.tested->accuracy;
    result.test_rmse = state_.tested->rmse;
    result.test_mae = state_.tested->mae;
  }
  uint64_t samples_before = 0;
  if (resumed_from_) {
    result.resumed_from_step = resumed_from_->step;
    samples_before = resumed_from_->totals.samples_seen;
  }
  if (const double training = seconds_.compute; training > 0) {
    result.samples_per_second =
        static_cast<double>(result.samples_seen - samples_before) / training;
  }
  result.seconds = seconds_so_far();
  result.slowest = stragglers_.slowest();
  result.order_hash = fmt::format("{:016x}", global_order_hash());
  return result;
}

}  // namespace ringtrain
