// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Forward and backward of a step. On a GPU they are recorded once, as a CUDA graph, and replayed in
// every step of that size: the host starts one thing instead of hundreds. What such a step stores
// in the slab, and when a bucket counts as written, is part of the recording; sums over ranks and
// the optimizer are not.
//
// The recording is made after a few steps and has to pass a test: replayed, it must find the same
// loss and the same norm of every gradient as the same step run plainly. Where it does not, or
// where the model does what cannot be recorded (waits for the device, as batch normalisation over
// ranks does), `log` is told and steps are run plainly from then on. Steps of another size (an
// epoch's last one) always are.
class RecordedPass {
 public:
  using LastBackward = std::function<void(const torch::Tensor& loss)>;
  // Forward and backward on the device, alike in every call with the same shapes; the last backward
  // pass by `last`. Returns the sum of the losses, a double on the device.
  using Pass = std::function<torch::Tensor(const torch::Tensor& inputs, const torch::Tensor& labels,
                                           const LastBackward& last)>;

  struct Step {
    torch::Tensor inputs;
    torch::Tensor labels;
    float scale = 1;    // of gradients
    uint64_t seed = 0;  // of what the model draws
  };

  // wanted: whether to record where the device does. All but `pass` must outlive this object.
  RecordedPass(Pass pass, bool wanted, Device& device, Model& model, GradientAverager& averager,
               std::function<void(const std::string&)> log);

  // Returns the sum of the losses, valid until the next call; averager.finish() comes next.
  torch::Tensor run(const Step& step);

 private:
  struct Found;

  bool fits(const Step& step) const;
  bool due(const Step& step);
  torch::Tensor run_plainly(const Step& step);
  bool record(const Step& step);
  torch::Tensor pass_aside(const torch::Tensor& inputs, const torch::Tensor& labels, float scale);
  Found found(const torch::Tensor& loss);

  Pass pass_;
  bool wanted_;
  Device& device_;
  Model& model_;
  GradientAverager& averager_;
  std::function<void(const std::string&)> log_;

  int alike_in_a_row_ = 0;  // steps of the size of the latest
  torch::Tensor inputs_;  // what the recording reads; sizes of the latest step before there is one
  torch::Tensor labels_;
  float scale_ = 0;
  torch::Tensor loss_;           // what it writes, besides the slab
  std::vector<size_t> arrived_;  // the order in which its gradients are stored
  std::unique_ptr<Recording> recording_;
};

}  // namespace ringtrain
