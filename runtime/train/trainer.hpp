// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/local_sgd.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/checkpoint/checkpoints.hpp"
#include "runtime/checkpoint/loss_spike_detector.hpp"
#include "runtime/checkpoint/resume.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/flight_recorder.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/progress.hpp"
#include "runtime/observe/result.hpp"
#include "runtime/observe/stragglers.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/optim/optimizer.hpp"
#include "runtime/optim/schedule.hpp"
#include "runtime/train/captured_step.hpp"

namespace ringtrain {

// How many steps a job takes.
struct Length {
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
};
// Throws a job error where the job does not fit the dataset.
Length length_of(const JobSpec& job, const datasets::Plan& plan, int world_size);

// One rank's training of one job. Constructed, used and destroyed by all ranks together, on the
// main thread.
//
// Global batch semantics: the samples of a step are the same for any number of ranks, and each rank
// takes its slice of them; the gradient is the sum over all of them divided by their true number,
// also in an epoch's short last batch; every test sample is evaluated once.
class Trainer {
 public:
  // All arguments must outlive the trainer. The model is trained in place. trace: null for none.
  Trainer(const JobSpec& job, const World& world, const datasets::Plan& plan, Device& device,
          Model& model, Progress& progress, Trace* trace);

  // Before train(): goes on from there, bit for bit where the ranks are as many as they were.
  // Throws a job error where the checkpoint is not of this model.
  void resume(const ResumePoint& point);

  // Trains to the job's end, or until the ranks have agreed to stop on a signal (then the status is
  // "stopped"), and returns what is known then: losses, rates, seconds of training. Throws
  // a training error, a data error or a lost error.
  Result train();

  // Rank 0's newest checkpoint; empty where there is none.
  const std::filesystem::path& checkpoint() const { return checkpoints_.newest(); }

  // What ModelOptions::sum_over_ranks needs; for calls from within train().
  void sum_over_ranks(std::span<double> values) { ranks().sum(values); }

  std::string describe_communication() const {
    return local_sgd_ ? local_sgd_->describe() : communicator_->describe();
  }

 private:
  bool done() const { return step_ >= length_.steps && closed_step_ == step_; }
  void begin_epoch();
  bool train_on();
  void train_step(const datasets::Batch& batch);
  void train_step_alone(const datasets::Batch& batch);
  std::vector<float*> arrays();
  void average_ranks();
  void spread_first_rank();
  torch::Tensor forward(const torch::Tensor& inputs);
  double forward_and_backward(const datasets::Batch& batch);
  torch::Tensor forward_and_backward_in_parts(const torch::Tensor& inputs,
                                              const torch::Tensor& labels,
                                              const RecordedPass::LastBackward& last);
  void note_skipped_step();
  void roll_back(double loss);
  void close_epoch();
  Evaluation evaluate();
  // What sums over all ranks: between the means of local SGD the other exchange knows this rank
  // alone.
  Exchange& ranks() { return local_sgd_ ? local_sgd_->exchange() : exchange_; }
  Trained trained();
  TrainingState state();
  void take_checkpoint();
  void average_local_statistics();
  Result result();
  uint64_t global_order_hash();

  const JobSpec& job_;
  const datasets::Plan& plan_;
  Device& device_;
  Model& model_;
  Progress& progress_;
  Trace* trace_;
  int world_size_;
  Length length_;

  SlabLayout layout_;
  std::unique_ptr<Communicator> communicator_;
  std::vector<Range> buckets_;
  FlightRecorder recorder_;
  Exchange exchange_;
  GradientAverager averager_;
  RecordedPass passes_;
  Schedule schedule_;
  Optimizer optimizer_;
  std::unique_ptr<LocalSgd> local_sgd_;  // null: averages after every step
  double loss_alone_ = 0;                // since the last mean: this rank's losses,
  uint64_t samples_alone_ = 0;           // and all ranks' samples
  Stragglers stragglers_;
  datasets::Reader train_reader_;
  datasets::Reader test_reader_;

  Checkpoints checkpoints_;
  LossWatch losses_;

  bool in_epoch_ = false;
  int64_t epoch_ = 0;
  int64_t step_ = 0;
  int64_t closed_step_ = 0;  // TrainingState has it in words
  std::optional<int64_t> resumed_from_;
  uint64_t samples_before_ = 0;     // seen before the run was resumed
  uint64_t order_hash_before_ = 0;  // on rank 0
  int64_t skipped_ = 0;
  int64_t skipped_in_a_row_ = 0;
  int64_t rollbacks_ = 0;
  int64_t rollbacks_in_a_row_ = 0;
  int64_t last_rollback_step_ = 0;
  std::optional<Evaluation> evaluation_;
  double train_seconds_ = 0;
  double train_exposed_seconds_ = 0;
  double evaluate_seconds_ = 0;
};

}  // namespace ringtrain
