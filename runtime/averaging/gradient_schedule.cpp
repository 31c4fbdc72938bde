// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/gradient_schedule.hpp"

#include "runtime/averaging/bulk_schedule.hpp"
#include "runtime/averaging/fused_sgd_schedule.hpp"
#include "runtime/averaging/overlapped_schedule.hpp"

namespace ringtrain {

std::unique_ptr<GradientSchedule> make_gradient_schedule(const ParameterSpace& space,
                                                         CommunicationThread& thread,
                                                         bool adds_slabs) {
  if (thread.collectives().overlaps()) return std::make_unique<OverlappedSchedule>(space, thread);
  const auto* slabs = thread.collectives().shared_slabs();
  if (adds_slabs && slabs != nullptr && !slabs->all_gradients().empty()) {
    return std::make_unique<FusedSgdSchedule>(*slabs);
  }
  return std::make_unique<BulkSchedule>(space, thread);
}

}  // namespace ringtrain
