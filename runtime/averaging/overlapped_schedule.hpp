// SPDX-License-Identifier: Apache-2.0
// Ranks that wait for a network or a device: sums run beside the backward pass.
//
//   training thread       | backward pass            |agree|update 0|update 1|update 2|gather|
//     written(b)            0        1             2
//     wait(b)                                              0        1        2
//   communication thread    [sum 0]  [sum 1]       [sum 2]                            [gather]
//
// The last bucket is small, since nothing hides its sum.
#pragma once

#include <vector>

#include "runtime/averaging/gradient_schedule.hpp"

namespace ringtrain {

class OverlappedSchedule final : public GradientSchedule {
 public:
  OverlappedSchedule(const ParameterSpace& space, CommunicationThread& thread)
      : space_(space), thread_(thread), gradients_(thread.collectives().slabs().gradients) {}

  void begin() override { tickets_.clear(); }
  void written(size_t bucket) override {
    mark(bucket);
    start(bucket);
  }
  // The event that marks the bucket becomes part of the graph.
  void captured(size_t bucket) override { mark(bucket); }
  void replayed() override {
    begin();
    for (size_t b = 0; b < space_.buckets.size(); ++b) start(b);
  }

  std::span<const float* const> wait(size_t bucket) override {
    thread_.wait(tickets_[bucket]);
    return {&gradients_, 1};
  }
  void drop() override {
    for (const auto ticket : tickets_) thread_.wait(ticket);
  }

 private:
  void mark(size_t bucket) { thread_.collectives().mark_written(space_.buckets[bucket]); }
  void start(size_t bucket) {
    tickets_.push_back(thread_.reduce_scatter({&space_.buckets[bucket], 1}));
  }

  const ParameterSpace& space_;
  CommunicationThread& thread_;
  const float* gradients_;
  std::vector<CommunicationThread::Ticket> tickets_;  // by bucket, of this step
};

}  // namespace ringtrain
