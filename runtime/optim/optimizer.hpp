// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_schedule.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/device/device.hpp"
#include "runtime/optim/update_rule.hpp"

namespace ringtrain {

// Updates this rank's shares of the parameter slab from the summed gradients. Its state (momentum
// and the like) covers those shares alone, so where ranks share a node, the state is divided among
// them.
//
// SGD with momentum and AdamW as PyTorch defines them, LARS as in You et al. 2017.
//
// Thread: the training thread.
class Optimizer {
 public:
  // clip_norm: the global norm above which gradients are scaled down; 0: never. dimensions: number
  // of dimensions of each parameter, by index. All references must outlive the optimizer.
  Optimizer(const OptimizerSpec& spec, double clip_norm, const ParameterSpace& space,
            std::vector<int64_t> dimensions, CommunicationThread& thread, Device& device);

  // True if step() adds the ranks' slabs itself, where the schedule gives it all of them.
  bool adds_slabs() const { return rule_.adds_slabs && clip_norm_ == 0; }

  // True if start() can stand for step(): this rank has the whole gradient, and no norms are needed
  // first.
  bool starts_early() const;
  // Starts a step on the device, which skips it where *unusable (memory of the device) is not 0:
  // the host need not wait to know. A step that was skipped is then taken back.
  //
  // Requires: starts_early(); GradientAverager::end_backward() was called.
  void start(const int* unusable, double learning_rate);
  void take_back() { --steps_; }

  // Takes one step. Each bucket is updated as its sum arrives, unless clipping or the rule needs
  // all of them first. On return this rank sees all new parameters.
  //
  // Requires: GradientAverager::finish() returned true. Collective.
  void step(GradientSchedule& gradients, double learning_rate);

  // A checkpoint keeps the values of these names for every parameter (none for plain SGD), and the
  // number of steps taken.
  const std::vector<std::string>& state_names() const { return rule_.states; }
  // Returns the values of a name (by its index) in this rank's share of a bucket: memory of the
  // device.
  float* state(size_t name, size_t bucket) { return states_[name].get() + state_offsets_[bucket]; }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  void update(size_t bucket, Range range, std::span<const float* const> slabs,
              const UpdateFactors& factors, const TensorFacts& tensor);
  void update_shares(const UpdateFactors& factors);
  void update_tensors(const UpdateFactors& factors);
  double clip_scale();

  UpdateRule rule_;
  double clip_norm_;
  const ParameterSpace& space_;
  std::vector<int64_t> dimensions_;
  CommunicationThread& thread_;
  Slabs slabs_;
  bool updates_at_once_;  // a GPU alone: a launch for all shares, which follow each other
  std::vector<size_t> state_offsets_;  // of each share in the state arrays, by bucket
  std::vector<std::shared_ptr<float[]>> states_;
  std::vector<const float*> gradients_;  // of the update under way
  const int* skip_ = nullptr;            // of a step that was started early
  int64_t steps_ = 0;
};

}  // namespace ringtrain
