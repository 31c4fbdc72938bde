// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/gradient_schedule.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/averaging/strategy.hpp"
#include "runtime/checkpoint/snapshot.hpp"
#include "runtime/comm/collectives.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/flight_recorder.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/optim/optimizer.hpp"

namespace ringtrain {

// The parts of one rank that hold, average and update the model's parameters: built from a job in
// the order of their dependence, destroyed in reverse.
struct TrainerParts {
  // The references and `trace` (null for none) must outlive the parts. On return every rank has the
  // first rank's parameters and buffers, and the model's batch normalisation covers all ranks that
  // average in every step. Collective.
  TrainerParts(const JobSpec& job, const World& world, const datasets::DatasetIndex& dataset,
               Device& device, Model& model, Trace* trace);
  ~TrainerParts();
  TrainerParts(const TrainerParts&) = delete;
  TrainerParts& operator=(const TrainerParts&) = delete;

  Trained trained();

  Device& device;
  Model& model;
  Trace* trace;
  std::unique_ptr<Collectives> collectives;  // under local SGD: of this rank alone
  std::unique_ptr<StreamSum> stream_sum;     // of batch normalisation on a GPU; null: none
  ParameterSpace space;
  FlightRecorder recorder;
  CommunicationThread thread;
  Optimizer optimizer;
  std::unique_ptr<GradientSchedule> schedule;
  GradientAverager averager;
  std::unique_ptr<AveragingStrategy> averaging;

 private:
  SumOnDevice sum_on_device();
  TrainerParts(const JobSpec& job, const World& world, const SlabLayout& layout, Device& device,
               Model& model, Trace* trace);
};

}  // namespace ringtrain
