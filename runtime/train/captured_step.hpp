// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The forward and backward passes of a step. On a GPU they are captured once as a CUDA graph, which
// is replayed in every step of that size: the host launches one graph instead of hundreds of
// kernels. Storing gradients in the slab, and marking a bucket as written, are part of the graph;
// sums over ranks and the optimizer are not.
//
// The graph is captured after a few steps and has to pass a test: its first replay must give the
// same loss and the same norm of every gradient as the same step run eagerly. If it does not, or if
// the model cannot be captured (it waits for the device), the reason is logged and all further
// steps run eagerly. Steps of another size (an epoch's last one) always do, and those of models
// whose host waits for other ranks (batch normalisation over ranks by way of the host). Where
// passes sum over ranks on the device, all ranks capture their steps, or none does.
class CapturedStep {
 public:
  using LastBackward = std::function<void(const at::Tensor& loss)>;
  // Runs forward and backward on the device, the same work in every call with the same shapes.
  // Starts the last backward pass by `last`. Returns the sum of the losses, a double on the device.
  using Pass = std::function<at::Tensor(const at::Tensor& inputs, const at::Tensor& labels,
                                        const LastBackward& last)>;

  struct Step {
    at::Tensor inputs;
    at::Tensor labels;  // or targets
    float scale = 1;    // factor of every gradient
    uint64_t seed = 0;  // of the random numbers that the model draws
  };

  // The tensors that a graph reads, to load the next step's batch into; undefined where that step
  // will be no replay.
  struct Reads {
    at::Tensor inputs;
    at::Tensor labels;
  };

  // enabled: capture if the device can. All references must outlive the object.
  CapturedStep(Pass pass, bool enabled, Device& device, Model& model, GradientAverager& averager,
               std::function<void(const std::string&)> log);

  // Returns the graph's own tensors, if it is of that many rows. Requires: what is written to them
  // comes after the latest run() in the order of the device's stream.
  Reads reads(int64_t rows) const;

  // Returns the sum of the losses, valid until the next call. Requires: averager.finish() follows.
  at::Tensor run(const Step& step);

 private:
  struct Outcome;

  bool fits(const Step& step) const;
  bool capture_due(const Step& step);
  at::Tensor run_eagerly(const Step& step);
  bool capture(const Step& step);
  std::string attempt(const std::function<void()>& work);
  bool on_every_rank(bool mine);
  at::Tensor run_aside(const at::Tensor& inputs, const at::Tensor& labels, float scale);
  Outcome outcome(const at::Tensor& loss);

  Pass pass_;
  bool enabled_;
  Device& device_;
  Model& model_;
  GradientAverager& averager_;
  std::function<void(const std::string&)> log_;

  int same_size_in_a_row_ = 0;
  at::Tensor inputs_;  // read by the graph; before there is one, those of the latest step
  at::Tensor labels_;
  float scale_ = 0;
  at::Tensor loss_;              // written by the graph, besides the slab
  std::vector<size_t> arrived_;  // order in which the graph stores gradients
  std::unique_ptr<Recording> graph_;
};

}  // namespace ringtrain
