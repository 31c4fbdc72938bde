// SPDX-License-Identifier: Apache-2.0
// CPU ranks of one node, or a rank alone: a sum is work for the same cores as the backward pass, so
// it comes after it. Each rank sums its share of a bucket, which stays in its cache for the update.
//
//   rank 0   | backward pass      |agree|sum 0|update 0|sum 1|update 1|  |
//   rank 1   | backward pass    |.|agree|sum 0|update 0|sum 1|update 1|..|
//                                 barrier                             barrier (all_gather)
#pragma once

#include "runtime/averaging/gradient_schedule.hpp"

namespace ringtrain {

class BulkSchedule final : public GradientSchedule {
 public:
  BulkSchedule(const ParameterSpace& space, CommunicationThread& thread)
      : space_(space),
        thread_(thread),
        shared_(thread.collectives().shared_slabs() != nullptr),
        gradients_(thread.collectives().slabs().gradients) {}

  std::span<const float* const> wait(size_t bucket) override {
    if (shared_) thread_.reduce_shared(space_.buckets[bucket]);
    return {&gradients_, 1};
  }

 private:
  const ParameterSpace& space_;
  CommunicationThread& thread_;
  bool shared_;  // false: a rank alone
  const float* gradients_;
};

}  // namespace ringtrain
