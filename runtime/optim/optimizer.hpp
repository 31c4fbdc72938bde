// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Updates this rank's shares of the parameter slab from the summed gradients. Its state (momentum
// and the like) covers those shares alone, so where ranks share a node, the state is divided among
// them.
//
// SGD with momentum and AdamW as PyTorch defines them, LARS as in You et al. 2017 (biases and
// normalisation weights, that is tensors of one dimension, are neither decayed nor rescaled by it).
class Optimizer {
 public:
  // dimensions: of every parameter, by index, for LARS. All must outlive the optimizer.
  Optimizer(const OptimizerSpec& spec, double clip_norm, const SlabLayout& layout,
            const std::vector<Range>& buckets, std::vector<int64_t> dimensions,
            Communicator& communicator, Exchange& exchange, Device& device);

  // One step, after averager.finish() said that gradients are finite. Takes each bucket as it
  // arrives, unless clipping or LARS needs all of them first. Returns when this rank sees all new
  // parameters.
  void step(GradientAverager& averager, double learning_rate);

  // What a checkpoint keeps: for every parameter the values of these names, none for plain SGD; and
  // how many steps were taken.
  std::vector<std::string> state_names() const;
  // Those of a name (by its index) in this rank's share of a bucket: memory of the device.
  float* state(size_t name, size_t bucket);
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Share {
    Range range;   // in the slab
    size_t state;  // where its state begins in the state arrays
  };

  void update(const Share& share, double learning_rate, double gradient_scale);
  void update_lars(double learning_rate, double gradient_scale);
  double clip_scale();

  OptimizerSpec spec_;
  double clip_norm_;
  const SlabLayout& layout_;
  const std::vector<Range>& buckets_;
  std::vector<int64_t> dimensions_;
  Communicator& communicator_;
  Exchange& exchange_;
  Device& device_;
  std::vector<Share> shares_;          // by bucket
  std::vector<const float*> addends_;  // SGD: slabs to update from their sum, in one pass
  std::shared_ptr<float[]> momentum_;  // AdamW: the first moment
  std::shared_ptr<float[]> variance_;  // AdamW alone
  int64_t steps_ = 0;
};

}  // namespace ringtrain
