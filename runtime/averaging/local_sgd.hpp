// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// communication.sync_every: K above 1. Every rank takes K steps by itself, on its slices of the
// batches; then parameters, and the optimizer's momentum with them, become their means over the
// ranks (Stich 2019; with momentum Yu, Jin and Yang 2019). So all ranks are alike again at each
// mean, which is when checkpoints and tests may be taken.
class LocalSgd {
 public:
  // ranks: a communicator of its own, whose slabs carry what is averaged.
  LocalSgd(std::unique_ptr<Communicator> ranks, int world_size, size_t elements,
           const std::vector<Range>& buckets, Device& device);

  // Replaces each array of `elements` floats (memory of the device) by its mean. Collective.
  void average(std::span<float* const> arrays);

  // Gives every rank the arrays of the first one. Collective.
  void spread(std::span<float* const> arrays);

  // For sums over all ranks between steps.
  Exchange& exchange() { return exchange_; }
  Communicator& ranks() { return *ranks_; }
  std::string describe() const { return ranks_->describe(); }

 private:
  std::unique_ptr<Communicator> ranks_;
  int world_size_;
  Range all_;
  const std::vector<Range>& buckets_;
  Device& device_;
  Exchange exchange_;
};

}  // namespace ringtrain
