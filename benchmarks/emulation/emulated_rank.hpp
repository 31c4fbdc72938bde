// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "benchmarks/emulation/emulated_job.hpp"
#include "runtime/averaging/gradient_schedule.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain::benchmarks {

// A rank whose forward pass, backward pass and optimizer are sleeps. All else is that of training:
// its world, its slabs, the schedule of its sums, its communication thread.
//
// Requires: all ranks are constructed, and make their steps, together.
// Thread: the main thread.
class EmulatedRank {
 public:
  // The world must outlive it.
  EmulatedRank(const World& world, const EmulatedJob& job);

  // Makes step `number`, counted from 1. Throws a lost error.
  void step(int64_t number);

  double slept_seconds() const { return slept_; }

 private:
  void compute(double undilated);
  void sleep_until(double moment);
  void average_locally_trained();

  const EmulatedJob job_;
  const int rank_;
  MpiGroup host_;
  std::unique_ptr<Collectives> collectives_;
  CommunicationThread thread_;
  ParameterSpace space_;
  std::unique_ptr<GradientSchedule> schedule_;
  std::vector<double> ready_;  // by bucket, seconds after the backward pass has begun
  double owners_;              // ranks that divide an update among them
  double slow_ = 1;            // dilation and factor of this step
  double slept_ = 0;
};

}  // namespace ringtrain::benchmarks
