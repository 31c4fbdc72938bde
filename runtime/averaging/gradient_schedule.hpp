// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/parameter_space.hpp"

namespace ringtrain {

// The part of a step in which the buckets of gradients are summed over the ranks: beside the
// backward pass (OverlappedSchedule), after it (BulkSchedule), or together with the update
// (FusedSgdSchedule). In every step:
//
//   begin(); written(0); written(1); ...             during the backward pass
//   all_reduce of the loss, of finiteness            by GradientAverager::finish()
//   wait(0), update; wait(1), update; ... or drop()  by Optimizer::step()
//
// Thread: the training thread.
class GradientSchedule {
 public:
  virtual ~GradientSchedule() = default;

  // Starts a step.
  virtual void begin() {}
  // Takes a bucket whose gradients are stored. Buckets come in their order.
  virtual void written(size_t /*bucket*/) {}
  // Stands for written() while the backward pass is captured as a CUDA graph.
  virtual void captured(size_t /*bucket*/) {}
  // Stands for begin() and written() of all buckets when the graph is replayed.
  virtual void replayed() {}

  // Blocks until this rank can read the sum of its share of the bucket. Returns the slabs to add
  // for it: one that holds the sum, or all ranks'. Valid until the next call.
  virtual std::span<const float* const> wait(size_t bucket) = 0;
  // Ends a step whose sums are not needed.
  virtual void drop() {}
};

// Returns the schedule for these collectives. adds_slabs: whether the update rule takes several
// slabs and adds them itself. All arguments must outlive it.
std::unique_ptr<GradientSchedule> make_gradient_schedule(const ParameterSpace& space,
                                                         CommunicationThread& thread,
                                                         bool adds_slabs);

}  // namespace ringtrain
