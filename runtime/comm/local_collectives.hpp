// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "runtime/comm/collectives.hpp"

namespace ringtrain {

// A rank that averages with nobody: a world of one, or `backend: none`, where each rank trains by
// itself on its slices of the batches, to measure what averaging costs the others.
class LocalCollectives final : public Collectives {
 public:
  // Owns the two arrays given, both zeroed.
  LocalCollectives(std::shared_ptr<float[]> gradients, std::shared_ptr<float[]> parameters)
      : gradients_(std::move(gradients)), parameters_(std::move(parameters)) {}

  int rank() const override { return 0; }
  int size() const override { return 1; }
  Slabs slabs() override {
    return {.gradients = gradients_.get(), .parameters = parameters_.get()};
  }
  Range share(Range bucket) const override { return bucket; }
  bool overlaps() const override { return false; }
  std::string describe() const override { return "no averaging"; }

  void reduce_scatter(std::span<const Range>) override {}
  void all_gather(std::span<const Range>) override {}
  void broadcast() override {}
  void all_reduce(std::span<double>, Over) override {}
  void barrier() override {}

 private:
  std::shared_ptr<float[]> gradients_;
  std::shared_ptr<float[]> parameters_;
};

}  // namespace ringtrain
