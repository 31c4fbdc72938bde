// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "job/result_file.hpp"
#include "runtime/checkpoint/checkpoints.hpp"
#include "runtime/checkpoint/loss_spike_detector.hpp"
#include "runtime/checkpoint/resume.hpp"
#include "runtime/checkpoint/training_state.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/progress.hpp"
#include "runtime/observe/rank_times.hpp"
#include "runtime/observe/stragglers.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/optim/schedule.hpp"
#include "runtime/train/evaluator.hpp"
#include "runtime/train/forward_backward.hpp"
#include "runtime/train/length.hpp"
#include "runtime/train/trainer_parts.hpp"

namespace ringtrain {

// One rank's training of one job. Constructed, used and destroyed by all ranks together, on the
// main thread.
//
// The samples of a step are the same for any number of ranks, and each rank takes its slice of
// them; the gradient is the sum over all of them divided by their true number, also in an epoch's
// short last batch; every test sample is evaluated once.
class Trainer {
 public:
  // All arguments must outlive the trainer. The model is trained in place. trace: null for none.
  // Throws a job error if the job is not for this dataset.
  Trainer(const JobSpec& job, const World& world, const datasets::DatasetIndex& dataset,
          Device& device, Model& model, Progress& progress, Trace* trace = nullptr);

  // Called before train(): continues from a checkpoint, bit for bit if the number of ranks is the
  // same, on GPUs with the job's `deterministic`. Throws a job error if the checkpoint is not of
  // this model.
  void resume(const ResumePoint& point);

  // Makes `step` the job's last one, unless it ends before. Requires: no later step was done; the
  // same step on every rank.
  void end_at(int64_t step) { length_.steps = std::min(length_.steps, step); }

  // Trains until the job is complete, or until the ranks have agreed to stop on a signal (status
  // "stopped"). Returns what is known then: losses, rates, seconds of training. Throws a training
  // error, a data error or a lost error.
  Result train();

  // Rank 0's newest checkpoint; empty if there is none.
  const std::filesystem::path& checkpoint() const { return checkpoints_.newest(); }

  std::string describe_communication() const {
    return parts_.averaging->ranks().collectives().describe();
  }

 private:
  // Loss summed over samples.
  struct LossSum {
    double loss = 0;
    uint64_t samples = 0;
    double mean() const { return loss / static_cast<double>(samples); }
  };

  // trainer.cpp
  void train_epoch();
  void begin_epoch();
  bool train_until_checkpoint();
  bool train_next();
  void load_next();
  bool start_update();
  void train_step(const LoadedBatch& batch);
  LossSum agree(const AveragingStrategy::Sum& sum);
  void close_epoch();
  Evaluation evaluate();
  bool done() const { return state_.step >= length_.steps && state_.closed_step == state_.step; }
  int64_t epoch() const { return state_.epoch(length_.steps_per_epoch); }
  CommunicationThread& ranks() { return parts_.averaging->ranks(); }

  // trainer_checkpoint.cpp
  void take_checkpoint();
  void skip_step();
  void roll_back(double loss);
  void end_if_asked(int64_t step);
  void end_if_good_enough();

  // trainer_setup.cpp
  Result result();
  Seconds seconds_so_far() const;
  void report_if_due();
  void report_ranks();
  uint64_t global_order_hash();

  const JobSpec& job_;
  Length length_;
  Progress& progress_;
  TrainerParts parts_;
  ForwardBackward forward_backward_;
  Schedule schedule_;
  datasets::Reader reader_;
  std::optional<LoadedBatch> next_;  // loaded, and not yet trained on
  uint64_t order_hash_ = 0;          // the reader's, of what was trained on
  Evaluator evaluator_;
  Checkpoints checkpoints_;
  Stragglers stragglers_;
  RankTimes rank_times_;
  LossSpikeDetector spikes_;
  TrainingState state_;
  std::optional<TrainingState> resumed_from_;
  LossSum unsummed_;  // of this rank's losses and all ranks' samples, since the ranks last agreed
  Seconds seconds_;   // compute: all of training, until seconds_so_far() takes the rest off
};

}  // namespace ringtrain
