// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/optim/optimizer.hpp"

namespace ringtrain {

// Everything that training changes, as it was between two steps: copies in host memory, whole on
// rank 0 and empty elsewhere.
struct Snapshot {
  struct Slab {
    std::string name;   // "momentum"; AdamW: "mean", "variance"
    at::Tensor values;  // [elements of the slab], fp32
  };
  at::Tensor parameters;  // as Slab::values; undefined: there is no snapshot
  std::vector<Slab> optimizer;
  std::vector<NamedTensor> buffers;
  int64_t optimizer_steps = 0;
};

// The parts of a trainer that a snapshot is taken from and restored to.
struct Trained {
  Model& model;
  const ParameterSpace& space;
  CommunicationThread& thread;
  Optimizer& optimizer;
  Device& device;
};

// Takes a snapshot, into the memory of `snapshot` if it is one already. Collective.
void take_snapshot(const Trained& trained, Snapshot& snapshot);

// Restores every rank's parameters, optimizer state and buffers from rank 0's snapshot, bit for
// bit, on any number of ranks. Collective.
void restore_snapshot(const Trained& trained, const Snapshot& snapshot);

// Return a snapshot's tensors under their names, without a copy: those of the model (parameters and
// buffers), and those of the optimizer ("momentum.fc.weight").
std::vector<NamedTensor> weights_of(const Snapshot& snapshot, const Model& model,
                                    const SlabLayout& layout);
std::vector<NamedTensor> optimizer_tensors_of(const Snapshot& snapshot, const Model& model,
                                              const SlabLayout& layout);

// Returns the snapshot with these tensors, for rank 0. Throws a data error if a tensor is missing,
// unknown, or of another shape or type.
Snapshot snapshot_from(std::span<const NamedTensor> weights, std::span<const NamedTensor> optimizer,
                       const std::vector<std::string>& state_names, const Model& model,
                       const SlabLayout& layout);

}  // namespace ringtrain
