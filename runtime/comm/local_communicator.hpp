// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "runtime/comm/communicator.hpp"

namespace ringtrain {

// A rank that averages with nobody: a world of one, or `backend: none`, where each rank trains by
// itself on its slices of the batches, to measure what averaging costs the others.
class LocalCommunicator final : public Communicator {
 public:
  // Owns the two arrays given, both zeroed.
  LocalCommunicator(std::shared_ptr<float[]> gradients, std::shared_ptr<float[]> parameters)
      : gradients_(std::move(gradients)), parameters_(std::move(parameters)) {}

  bool is_first() const override { return true; }
  float* gradients() override { return gradients_.get(); }
  float* parameters() override { return parameters_.get(); }
  void spread_parameters() override {}
  Range share(Range bucket) const override { return bucket; }
  void reduce(Range) override {}
  void publish(std::span<const Range>) override {}
  void sum(std::span<double>) override {}
  void sum_over_shares(std::span<double>) override {}
  bool overlaps() const override { return false; }
  std::string describe() const override { return "no averaging"; }

 private:
  std::shared_ptr<float[]> gradients_;
  std::shared_ptr<float[]> parameters_;
};

}  // namespace ringtrain
