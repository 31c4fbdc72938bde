// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/sum_slots.hpp"
#include "runtime/averaging/communication_thread.hpp"

namespace ringtrain {

// How the ranks of a job keep one model: what they average, and after which steps. The training
// loop is the same for every strategy:
//
//   backward pass; finish_gradients(agree); update; finish_step(step, epoch_over, agree)
//
// In a step in which the ranks sum values, the strategy calls `agree` once on every rank, and
// `agree` calls the sum that it is given once. Thread: the training thread. All calls but the
// const ones are collective.
class AveragingStrategy {
 public:
  using Sum = std::function<void(SumSlots& slots)>;  // over all ranks, in place
  using Agree = std::function<void(const Sum& sum)>;

  AveragingStrategy() = default;
  virtual ~AveragingStrategy() = default;
  AveragingStrategy(const AveragingStrategy&) = delete;
  AveragingStrategy& operator=(const AveragingStrategy&) = delete;

  // Returns the number of samples that a step's gradient is the mean of. rows: of this rank's slice
  // of the batch; global_rows: of the whole batch.
  virtual uint64_t samples_in_mean(uint64_t rows, uint64_t global_rows) const = 0;

  // Completes the gradients of a backward pass. Returns false if the step must be skipped because a
  // gradient is not finite.
  virtual bool finish_gradients(const Agree& agree) = 0;

  // Completes step number `step`, after the update. epoch_over: the step is the last of its epoch.
  virtual void finish_step(int64_t step, bool epoch_over, const Agree& agree) = 0;

  // Runs `restore`, which sets parameters, optimizer state and buffers between two steps, on every
  // rank that needs it. Then all ranks have what the first one has.
  virtual void restore(const std::function<void()>& restore) = 0;

  // Collectives over all ranks of the job, for use between two steps.
  virtual CommunicationThread& ranks() = 0;
};

}  // namespace ringtrain
