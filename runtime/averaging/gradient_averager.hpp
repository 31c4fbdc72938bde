// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/sum_slots.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_schedule.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Takes gradients from autograd to the slab. As the backward pass finishes with a gradient, one
// pass over it scales it, tests it, and stores it in the slab. When a whole bucket is stored, the
// schedule gets it, in the same order on every rank, while the backward pass continues.
//
//   averager.begin(1.0F / global_rows);
//   loss.backward();
//   if (averager.finish(slots)) optimizer.step(schedule, learning_rate);
//
// Gradients are taken out of .grad; nothing is added to what was there before, and nothing is
// copied back.
//
// Thread: begin() and finish() on the training thread; hooks run on autograd's.
class GradientAverager {
 public:
  // Makes the model's parameters views of the parameter slab, and gives them the values that they
  // have on rank 0. All arguments must outlive the averager. Collective.
  GradientAverager(Model& model, const ParameterSpace& space, CommunicationThread& thread,
                   GradientSchedule& schedule, Device& device);
  ~GradientAverager();
  GradientAverager(const GradientAverager&) = delete;
  GradientAverager& operator=(const GradientAverager&) = delete;

  // Called before the step's last backward pass: each gradient will be multiplied by `scale`.
  // (Passes before begin() and after finish() add up in .grad as usual: gradient accumulation.)
  void begin(float scale);

  // Runs a backward pass between two steps, for the device to capture or to compare with: its
  // gradients are stored, and nothing is sent. Returns the order in which gradients arrived.
  std::vector<size_t> store_aside(float scale, const std::function<void()>& backward);
  // Stands for begin() and a backward pass when the graph captured in store_aside() is replayed.
  void replayed(const std::vector<size_t>& arrived);

  // Called after the backward pass, or replayed(): stores zeros for parameters that it did not
  // reach. finish() does it, too.
  void end_backward();
  // Starts to find out, on the device, whether this rank's gradients are of no use to an update, as
  // finish() will say. See Device::start_judging(). Requires: end_backward(),
  // Device::start_collecting().
  const int* start_judging() { return device_.start_judging(largest_squared_norm_); }
  // Ends the backward pass, and sums `slots` over the ranks along the way. Returns false, on every
  // rank alike, if a gradient of some rank is not finite: then the step must be skipped.
  bool finish(SumSlots& slots);

  // Returns true if `mine` is true on every rank. Collective, between two steps.
  bool on_every_rank(bool mine);

  // The first parameter with a non-finite gradient on this rank in the last step; empty if none.
  const std::string& culprit() const { return culprit_; }

 private:
  void broadcast_parameters();
  void on_ready(size_t parameter);
  void store(size_t parameter);
  template <class Element>
  void store_in(Element* slab, size_t parameter);
  void store_missing();
  void find_culprit();
  void pass_on_complete_buckets();

  std::vector<NamedTensor> parameters_;
  const ParameterSpace& space_;
  CommunicationThread& thread_;
  GradientSchedule& schedule_;
  Device& device_;
  Slabs slabs_;

  bool active_ = false;
  bool aside_ = false;
  float scale_ = 1;
  double largest_squared_norm_;
  std::vector<bool> stored_;    // by parameter
  std::vector<size_t> packed_;  // the parameters that had a gradient, as they arrived
  size_t complete_ = 0;   // parameters stored, counted in the slab's order up to the first gap
  size_t passed_on_ = 0;  // buckets, so far
  std::string culprit_;
};

}  // namespace ringtrain
